"""What a sweep has found: counted customer by customer, shown while it goes on, and told at its end."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from rich.console import Console
from rich.progress import Progress

from streams.progress import columns
from streams.sweep.compare import Difference, Silence

log = logging.getLogger(__name__)

MAX_TOLD = 20
"""Failed customers that are told one by one; the file of the report has them all."""
LINE_SECONDS = 10.0


class Findings(msgspec.Struct):
    """What was found at one customer, or at all of them.

    Attributes:
        accounts: accounts that the vendor showed.
        silent: accounts the log has nothing to hear of, by why.
        differing: accounts the log has to hear of, by why; one may differ in several.
        observed: `account.observed` that were published.
        deleted: deletions that were published.
        heard_since: missing accounts that were heard of after the vendor was asked, and so were not told of.
        foreign: records in a customer's list that are another's; not compared.
        gone: customers whom the vendor does not know any more.
        forgotten: customers who were forgotten while the vendor was asked (R18), of whom nothing was told.
    """

    accounts: int = 0
    silent: dict[Silence, int] = {}
    differing: dict[Difference, int] = {}
    observed: int = 0
    deleted: int = 0
    heard_since: int = 0
    foreign: int = 0
    gone: int = 0
    forgotten: int = 0

    def add(self, other: "Findings") -> None:
        """Add what was found at one customer."""
        for name in self.__struct_fields__:
            mine, its = getattr(self, name), getattr(other, name)
            setattr(self, name, mine + its if isinstance(mine, int) else dict(Counter(mine) + Counter(its)))


class Report(msgspec.Struct):
    """What became of a sweep so far; `failed` are the customers that could not be read, with why.

    Attributes:
        customers: customers that were read.
        unreadable: accounts without usable ids in the vendor's lists.
        to_read: customers of the whole sweep.
        stopped: why it ended before all were read.
    """

    customers: int = 0
    findings: Findings = msgspec.field(default_factory=Findings)
    unreadable: int = 0
    failed: dict[str, str] = {}
    to_read: int = 0
    stopped: str | None = None

    def read(self, customer_id: str, findings: Findings) -> None:
        """Note that a customer was read."""
        self.customers += 1
        self.failed.pop(customer_id, None)
        self.findings.add(findings)

    def json(self) -> bytes:
        """Give it as JSON."""
        return msgspec.json.format(msgspec.json.encode(self)) + b"\n"


def told(report: Report, *, is_dry: bool) -> Iterator[str]:
    """Give the lines of a report."""
    found = report.findings
    yield f"customers read           {report.customers:,} of {report.to_read:,}"
    yield f"accounts at the vendor   {found.accounts:,}"
    yield from _rows("nothing to tell of", found.silent)
    yield from _rows("differing", found.differing)
    yield f"{'to be published' if is_dry else 'published':24} {found.observed:,} observed, {found.deleted:,} deleted"
    others = {
        "heard of meanwhile": found.heard_since,
        "unreadable accounts": report.unreadable,
        "accounts of others": found.foreign,
        "customers gone": found.gone,
        "customers forgotten": found.forgotten,
        "customers failed": len(report.failed),
    }
    yield from (f"{name:24} {count:,}" for name, count in others.items() if count)
    yield from (f"  customer {customer_id}: {why}" for customer_id, why in list(report.failed.items())[:MAX_TOLD])
    if len(report.failed) > MAX_TOLD:
        yield f"  and {len(report.failed) - MAX_TOLD:,} more: --report FILE has them all"


def _rows(title: str, counts: Mapping[Difference, int] | Mapping[Silence, int]) -> Iterator[str]:
    words = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))
    yield f"{title:24} {words or 'none'}"


@contextmanager
def shown(
    report: Report, done: int, console: Console | None = None, now: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[], None]]:
    """Show how far it is, on standard error: a bar on a terminal, else a line now and then; gives what moves it on."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        yield _lines(report, done, now)
        return
    with Progress(*columns(), console=console) as bar:
        task = bar.add_task("Sweeping", total=report.to_read, completed=done)
        yield lambda: bar.update(task, advance=1, description=_words(report))


def _lines(report: Report, done: int, now: Callable[[], float]) -> Callable[[], None]:
    last = now()

    def step() -> None:
        nonlocal last, done
        done += 1
        if (at := now()) - last >= LINE_SECONDS:
            last = at
            log.info("%d of %d customers: %s", done, report.to_read, _words(report))

    return step


def _words(report: Report) -> str:
    found = report.findings
    return f"{found.observed + found.deleted:,} differing, {len(report.failed):,} failed"
