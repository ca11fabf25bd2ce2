"""How the commands show what they do and what became of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from streams.progress import columns
from streams.subscriptions.run import Done, Report

MAX_FAILURES = 20
"""Failures that are told one by one."""


@contextmanager
def progress(what: str, total: int, console: Console | None = None) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error, where that is a terminal and there is more than one; gives what moves it on."""
    console = console or Console(stderr=True)
    with Progress(*columns(), console=console, disable=total < 2 or not console.is_terminal) as bar:  # noqa: PLR2004 - above
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def told(report: Report, word: str) -> tuple[list[str], bool]:
    """Give the lines that say what became of it, and whether nothing is left to do."""
    names = {Done.DONE: word, Done.ALREADY: "as it should be already", Done.GONE: "gone at the vendor"}
    counts = [f"{count} {names[done]}" for done, count in report.counts.items() if count]
    lines = [", ".join([*counts, *([f"{len(report.failed)} failed"] if report.failed else [])]) or "nothing to do"]
    for account, why in report.failed[:MAX_FAILURES]:
        lines.append(f"customer {account.customer_id}, account {account.account_id}: {why}")
    if len(report.failed) > MAX_FAILURES:
        lines.append(f"and {len(report.failed) - MAX_FAILURES} more")
    if report.stopped is not None:
        lines.append(f"stopped before the rest: {report.stopped}")
    if not report.is_whole:
        lines.append("run the same again to go on with what is left")
    return lines, report.is_whole
