"""What the checker asks of a broker whose coordinator moves: it asks again, and no longer than an answer may take."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

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
