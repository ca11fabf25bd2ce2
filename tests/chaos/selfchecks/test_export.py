"""What the checker asks of a broker whose coordinator moves: it asks again, and no longer than an answer may take."""

import time
from collections.abc import Callable
from functools import partial

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.chaos.check import export


def failing(code: int, times: int) -> tuple[list[float], Callable[[float], str]]:
    """Give a question that fails so often, and the seconds that each try was given."""
    asked: list[float] = []

    def ask(seconds: float) -> str:
        asked.append(seconds)
        if len(asked) <= times:
            raise KafkaException(KafkaError(code))
        return "offsets"

    return asked, ask


@pytest.mark.parametrize("code", sorted(export.MOVING))
def test_a_coordinator_that_moves_is_asked_again(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of forty minutes must not end for it."""
    monkeypatch.setattr(export, "AGAIN_SECONDS", 0.0)
    asked, ask = failing(code, 2)
    assert export._asked(ask) == "offsets"
    assert len(asked) == 3


def test_what_does_not_pass_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other errors at once, and a moving one when the time is over."""
    _, ask = failing(KafkaError.GROUP_AUTHORIZATION_FAILED, 1)
    with pytest.raises(KafkaException):
        export._asked(ask)
    monkeypatch.setattr(export, "ANSWER_SECONDS", -1.0)
    _, ask = failing(KafkaError.NOT_COORDINATOR, 1)
    with pytest.raises(KafkaException):
        export._asked(ask)


class Slow:
    """A broker that takes a minute for each answer, and has none after the last."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.now = iter(answers), 0.0

    def assign(self, places: list[TopicPartition]) -> None:
        """Read one place."""

    def close(self) -> None:
        """Nothing is held."""

    def consume(self, most: int, seconds: float) -> list[str]:
        """Give the next answer."""
        del most, seconds
        self.now += 60.0
        return [answer for answer in [next(self.answers, "")] if answer]


@pytest.mark.parametrize(("answers", "ends"), [([*"record"] * 3 + ["end"], True), (["record"], False)])
def test_the_end_is_waited_for_as_long_as_records_come(
    answers: list[str], monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """Beside other work a long log takes its time; a transaction that stays open is silent."""
    slow = Slow(*answers)
    monkeypatch.setattr(time, "monotonic", lambda: slow.now)
    monkeypatch.setattr(export, "_take", lambda answer, _, left: left.clear() if answer == "end" else None)
    read = partial(export._read, slow, [TopicPartition("log", 0)])
    if ends:
        assert read() == {}
    else:
        with pytest.raises(TimeoutError, match="a transaction open"):
            read()
