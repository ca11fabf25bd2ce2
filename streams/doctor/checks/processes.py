"""Running processes, by what their admin ports say of their readiness."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import httpx

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.doctor.scope import Scope
from streams.observe.admin import NOTE

ANSWER_SECONDS = 5.0
MAX_BYTES = 64 * 1024
RESUMED = "override resume"
"""What a reason names that an operator's word ends."""
NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ExceptionGroup)
"""What comes of an address that nobody answers at; the last of a port that there cannot be."""
PAUSED = re.compile(r"partition ([0-9]{1,9}) is paused: (.*)")


class Page(NamedTuple):
    """What a process says of its readiness; no lines and `why` where it says nothing."""

    url: str
    status: int
    lines: Sequence[str]
    why: str = ""


async def pages(scope: Scope) -> Sequence[Page]:
    """Ask every process that was named."""
    return await asyncio.gather(*(_page(url.rstrip("/")) for url in scope.admin))


async def _page(url: str) -> Page:
    content = bytearray()
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            httpx.AsyncClient(timeout=ANSWER_SECONDS) as client,
            client.stream("GET", f"{url}/readyz") as answer,
        ):
            async for part in answer.aiter_bytes():
                content += part[: MAX_BYTES - len(content)]
    except NO_ANSWER as error:
        return Page(url, 0, (), str(error) or type(error).__name__)
    text = content.decode(errors="replace")
    return Page(url, answer.status_code, [line for line in text.splitlines() if line.strip()])


async def look(scope: Scope) -> Sequence[Finding]:
    """Say how each process is."""
    return [finding for page in await scope.once(pages) for finding in _told(page)]


def _told(page: Page) -> Iterator[Finding]:
    if page.why:
        yield wrong(
            f"{page.url}: nobody answers ({page.why})", "is the process running, and that its TXPUSH_ADMIN_PORT?"
        )
        return
    notes = [line.removeprefix(NOTE) for line in page.lines if line.startswith(NOTE)]
    if page.status == httpx.codes.OK:
        yield ok(f"{page.url}: ready")
    for line in page.lines if page.status != httpx.codes.OK else ():
        if not line.startswith(NOTE):
            yield wrong(*_parted(f"{page.url}: {line}"))
    for note in notes:
        yield warning(*_parted(f"{page.url}: {note}"))


def _parted(line: str) -> tuple[str, str]:
    """Take what to do next from the end of a line, where it has it behind a semicolon."""
    what, semicolon, remedy = line.rpartition("; ")
    return (what, remedy) if semicolon else (line, "see the log of that process")


def paused(page: Page) -> Iterator[tuple[int, str]]:
    """Give the partitions that a process says are paused, and why."""
    for line in page.lines:
        if found := PAUSED.match(line):
            yield int(found[1]), found[2]
