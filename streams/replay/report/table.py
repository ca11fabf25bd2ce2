"""What a replay came to, for a terminal: the verdict first, what was compared, and the first differences."""

from collections import Counter
from collections.abc import Iterator

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from schemas.times import from_epoch_ms, rfc3339, time_of_record
from streams.domain import ENGINE_VERSION
from streams.plain import plain
from streams.replay.compare.difference import DECISION, SNAPSHOT, Difference, Verdict
from streams.replay.otherwise.commands import WhatIf
from streams.replay.report.policies import figures_table, sameness, sort_rows, sorts_table
from streams.replay.summary import INCIDENTS, Summary

SHOWN = 20
TAKEN_AS_GIVEN = (
    "customers are replayed with the incidents that were announced, and institutions with the signals that were sent: "
    "what the other policy would have changed there is in the numbers of tickets and incidents, and holds nobody back"
)


def verdict(summary: Summary) -> list[str]:
    """Say in a line what it came to, and in those before it what has to be said first."""
    lines = [
        f"{count:,} decisions are of engine {version}, and this is {ENGINE_VERSION}: they are compared, not verified"
        for version, count in summary.other_engines.items()
    ]
    if summary.failed:
        lines.append(
            f"not replayed: {len(summary.failed)} of {len(summary.outcomes)} partitions; what follows is of the others"
        )
    if summary.is_empty and not summary.failed:
        return ["nothing to replay: nothing was decided in what was asked for; see that range and ids are right"]
    if summary.what_if is not None:
        return [*lines, f"under the policy {_version(summary)}: {_commands(summary.what_if)}"]
    held = "compared" if summary.other_engines else "verified"
    counted = [f"{_count(summary, DECISION):,} decisions", f"{_messages(summary):,} messages"]
    if states := _count(summary, SNAPSHOT):
        counted.append(f"{states:,} states of snapshots")
    what = f"{', '.join(counted[:-1])} and {counted[-1]} of {summary.events:,} records"
    if summary.differences:
        lines.append(f"different: {_differences(summary)}; {held} {what}")
    else:
        lines.append(f"same: {held} {what}")
    return lines


def _version(summary: Summary) -> str:
    return "" if summary.policy is None else summary.policy.version


def _commands(what_if: WhatIf) -> str:
    counts = Counter[Verdict]()
    for (*_, one, _), count in what_if.sorts.items():
        counts[one] += count
    told = [f"{counts[one]:,} {one}" for one in (Verdict.SAME, Verdict.NEW, Verdict.DROPPED, Verdict.CHANGED)]
    return f"of its commands and those that went out {', '.join(told)}"


def _count(summary: Summary, what: str) -> int:
    return sum(count for (named, _), count in summary.counts.items() if named == what)


def _messages(summary: Summary) -> int:
    return summary.counts.total() - sum(_count(summary, other) for other in (DECISION, INCIDENTS, SNAPSHOT))


def _differences(summary: Summary) -> str:
    told = (Verdict.NEW, Verdict.DROPPED, Verdict.CHANGED)
    counts = {one: sum(n for (_, verdict), n in summary.counts.items() if verdict is one) for one in told}
    return ", ".join(f"{count:,} {one}" for one, count in counts.items() if count)


def notes(summary: Summary) -> Iterator[str]:
    """Say what could not be compared, and why."""
    if summary.what_if is not None:
        yield TAKEN_AS_GIVEN
        yield from (f"policy: {change}" for change in summary.policy_changes)
        if summary.version_is_taken:
            yield (
                f"policy: another one of version {_version(summary)} was in force: give the file a version of its own "
                "before it is put in force, as commands and audit records name the version only"
            )
    for outcome in summary.outcomes:
        if outcome.error is not None:
            yield f"{outcome.place}: {outcome.error}"
    yield from _starts(summary)
    if summary.undecided:
        yield f"{summary.undecided:,} decisions at the end of the logs are not recorded yet"
    for (what, one), count in sorted(summary.counts.items()):
        if one is Verdict.GONE:
            yield f"{what}: {count:,} messages are older than what the topic keeps, and are not there any more"


def _starts(summary: Summary) -> Iterator[str]:
    """Say from which snapshots it began, where any was asked for."""
    for outcome in summary.outcomes:
        began = outcome.began
        if began is not None:
            at = rfc3339(from_epoch_ms(began.at))
            yield f"{outcome.place}: from snapshot {began.name}, as of offset {began.offset:,} at {at}"
        elif outcome.asks_snapshot and outcome.error is None:
            yield f"{outcome.place}: from the log's beginning, as no snapshot is before what is compared"


def show(summary: Summary, console: Console) -> None:
    """Print it."""
    for line in verdict(summary):
        console.print(line, style="bold", markup=False, highlight=False)
    for line in notes(summary):
        console.print(line, markup=False, highlight=False)
    for table in _tables(summary):
        console.print(table)
    for line in _first(summary):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _tables(summary: Summary) -> Iterator[RenderableType]:
    if summary.what_if is not None:
        yield figures_table(summary.what_if)
        yield sorts_table(summary.what_if) if sort_rows(summary.what_if) else sameness(summary.what_if)
    elif summary.counts:
        yield _compared(summary)


def _first(summary: Summary) -> Iterator[str]:
    first = [*summary.incidents, *(one for outcome in summary.outcomes for one in outcome.first)][:SHOWN]
    if first:
        yield "the first differences:"
        yield from map(_told, first)
    if summary.differences > len(first):
        yield f"and {summary.differences - len(first):,} more: --jsonl FILE writes all of them"


def _compared(summary: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False)
    table.add_column("compared")
    for one in Verdict:
        table.add_column(one, justify="right")
    for what in sorted({what for what, _ in summary.counts}, key=lambda one: (one != DECISION, one)):
        table.add_row(what, *(f"{count:,}" if (count := summary.counts[what, one]) else "" for one in Verdict))
    return table


def _told(one: Difference) -> str:
    """Tell a difference in two lines, which a narrow terminal does not cut: ids are there to be copied."""
    at = "" if one.at is None else f" at {rfc3339(time_of_record(one.at))}"
    whose = "" if one.customer is None else f" of {plain(one.customer)}"
    fields = f" ({plain(', '.join(one.fields))})" if one.fields else ""
    return f"{one.verdict} {plain(one.subject)}\n    {one.where}{at}{whose}: {one.cause}{fields}"
