"""Records of a partition one by one, with a look at those ahead."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

from streams.fold.effects import SourceRecord
from streams.history import History, Place, Span

Passed = Callable[[int], None]
"""Hears how many records were taken."""


class Cursor:
    """Reads a span forward; holds a chunk of the history, and what was looked at ahead of it."""

    def __init__(self, history: History, place: Place, span: Span) -> None:
        self._history = history
        self.place = place
        self.end = span.end
        self.ahead: deque[SourceRecord] = deque()
        self._position = span.begin
        self._chunks: AsyncIterator[Sequence[SourceRecord]] | None = None
        self._reads_to = span.end

    @property
    def position(self) -> int:
        """The offset of the record that comes next; the end where none is left."""
        return self.ahead[0].offset if self.ahead else self._position

    async def fill(self) -> bool:
        """Read another chunk; False at the end."""
        while self._chunks is not None or self._position < self.end:
            if self._chunks is None:
                self._reads_to = self.end
                self._chunks = self._history.read(self.place, Span(self._position, self.end))
            async for records in self._chunks:
                if records:
                    self.ahead.extend(records)
                    self._position = records[-1].offset + 1
                    return True
            self._position, self._chunks = self._reads_to, None
        return False

    async def peek(self, number: int = 0) -> SourceRecord | None:
        """Give a record ahead without taking it; None behind the last."""
        while len(self.ahead) <= number:
            if not await self.fill():
                return None
        return self.ahead[number]

    def take(self) -> SourceRecord:
        """Take the record that was looked at."""
        return self.ahead.popleft()

    def extend(self, end: int) -> None:
        """Go on to a later end, behind what is still to be read up to the present one."""
        self.end = max(self.end, end)

    async def close(self) -> None:
        """Let go of what reads."""
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


async def records_of(history: History, place: Place, span: Span) -> AsyncGenerator[SourceRecord, None]:
    """Give the records of a span one by one."""
    cursor = Cursor(history, place, span)
    try:
        while await cursor.peek() is not None:
            yield cursor.take()
    finally:
        await cursor.close()
