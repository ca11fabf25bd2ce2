"""`txpush override resume`: what it writes, and where."""

import pytest

from schemas.events import Override, OverrideAction
from streams.kafka.topics import EVENTS, SIGNALS
from tests.component.operate.double import NOW, SIGNED, Kafka, typed


def test_only_the_named_partitions_are_told(kafka: Kafka) -> None:
    """One record a partition, under an id of its own; others of the log hear nothing."""
    done = typed("override", "resume", "2", "0", "2", "--yes", *SIGNED)
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        f"what is in {EVENTS} 0, 2 by now is taken as it is; what comes later is judged anew",
        f"written to {EVENTS}: 0 at 5, 2 at 5",
    ]
    (act,) = kafka.acts
    assert act.event.data == Override(action=OverrideAction.RESUME, all=True, who="ann", why="asked the customer")
    assert (act.event.time, act.event.partition_key) == (NOW, None)
    placed = act.placed({EVENTS: 3})
    assert [(one.topic, one.partition) for one in placed] == [(EVENTS, 0), (EVENTS, 2)]
    assert len({one.event.id for one in placed}) == 2


def test_the_institution_agents_log_is_named(kafka: Kafka) -> None:
    """Each agent pauses on a log of its own."""
    assert typed("override", "resume", "1", "--log", SIGNALS, "--yes", *SIGNED).exit_code == 0
    assert kafka.acts[0].topics == (SIGNALS,)


def test_it_asks(kafka: Kafka) -> None:
    """The question says what is accepted; a no writes nothing."""
    done = typed("override", "resume", "1", *SIGNED, answer="n\n")
    assert (done.exit_code, kafka.acts) == (1, [])
    assert f"accept every dead letter that {EVENTS} 1 would come to by now? [y/N]" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["3", "--yes", *SIGNED], "there is no partition 3: they are 0 to 2; nothing was written"),
        (["--yes", *SIGNED], "Missing argument 'PARTITION...'"),
        (["1", "--log", "account.health", *SIGNED], "'account.health' is not one of"),
        (["1", "--yes", "--by", "ann"], "Missing option '--reason'"),
        (["1", "--yes", "--by", "", "--reason", "x"], "--by: "),
    ],
)
def test_what_makes_no_sense_is_refused(kafka: Kafka, words: list[str], told: str) -> None:
    """It ends with 2 and says what is wrong; nothing is written."""
    done = typed("override", "resume", *words)
    assert (done.exit_code, kafka.acts) == (2, [])
    assert told in done.output
