"""Logs that benchmarks make without Kafka: as agents would have written them, so that a replay finds nothing."""

from pathlib import Path

from streams.history.exports.history import ExportOrigin
from streams.kafka.topics import EVENTS, SIGNALS
from streams.replay.compare.difference import DECISION, Verdict
from streams.replay.plan import Asked
from streams.replay.run import How, run
from streams.replay.summary import Summary
from tests.bench.replay.lived import live
from tests.bench.replay.made import PARTITIONS, make_partition
from tests.bench.replay.recorder import write_whole
from tests.component.replay.stage import NAMING

EVENTS_EACH = 60


async def replayed(folder: Path) -> Summary:
    """Replay an export, both logs, from its beginning to its end."""
    outcomes = await run(ExportOrigin(folder), Asked(), How(1, NAMING), lambda _more, _all: None)
    return Summary.of(outcomes, is_all=True)


async def test_nights_of_an_agent(tmp_path: Path) -> None:
    """Every event was decided on, and is derived to the byte; the log begins with the rules."""
    for number in range(PARTITIONS):
        make_partition(tmp_path, number, EVENTS_EACH, accounts=80)
    write_whole(tmp_path, PARTITIONS)
    summary = await replayed(tmp_path)
    assert (summary.exit_code, summary.differences, summary.undecided) == (0, 0, 0)
    assert summary.events == PARTITIONS * (EVENTS_EACH + 1)
    assert summary.counts["remediation.connect-fix", Verdict.SAME] > 0


async def test_a_year_that_was_lived(tmp_path: Path) -> None:
    """Both agents, with timers and signals: all decisions are the same, none is undecided."""
    folder = tmp_path / "year"
    live(folder, customers=25, days=12, seed=1)
    summary = await replayed(folder)
    assert (summary.exit_code, summary.differences, summary.undecided) == (0, 0, 0)
    assert {outcome.place.topic for outcome in summary.outcomes} == {EVENTS, SIGNALS}
    assert summary.counts[DECISION, Verdict.SAME] > 100
