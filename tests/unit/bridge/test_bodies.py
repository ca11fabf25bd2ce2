"""Bodies within limits: parts, room and framing."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from streams.bridge.answers import AMBIGUOUS, ENCODED, TOO_LARGE, Answer, Message, Rejected
from streams.bridge.bodies import SMALL_BYTES, Room, read_body
from streams.observe.labels import Outcome
from tests.unit.bridge.bench import SETTINGS, TXPUSH, bench_with

FULL = Answer(503, Outcome.OVERLOADED)
LARGE = b"a" * SMALL_BYTES
AMPLE = 20_000, 1.0
"""Largest size and longest wait."""


class Sender:
    """A client that sends parts, and as many more as are asked for."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.parts = parts
        self.sent = 0

    async def receive(self) -> Message:
        part = next(self.parts, b"")
        self.sent += 1
        return {"type": "http.request", "body": part, "more_body": bool(part)}


async def read(parts: list[bytes], room: Room, *headers: tuple[bytes, bytes], max_bytes: int = 1000) -> bytes:
    """Read a body, and keep nothing of it in the room."""
    with room.place() as place:
        return await read_body({"headers": list(headers)}, Sender(iter(parts)).receive, max_bytes, 1.0, place)


async def test_parts_are_one_body() -> None:
    """However it was cut."""
    room = Room(1000, FULL)
    assert await read([b"a", b"bc", b"", b"never"], room) == b"abc"
    assert await read([b"a" * 1000], room) == b"a" * 1000
    assert room.held == 0


async def test_a_body_of_single_bytes_is_too_large() -> None:
    """Each part costs as much as its bytes do: a body of a thousand parts is refused long before its end."""
    sender = Sender(iter([b"a"] * 1000))
    with pytest.raises(Rejected) as refused, Room(1000, FULL).place() as place:
        await read_body({"headers": []}, sender.receive, 1000, 1.0, place)
    assert refused.value.answer is TOO_LARGE
    assert sender.sent < 100


async def test_no_room_is_503() -> None:
    """Large bodies that are held at once have a limit of their own; what is let go makes room."""
    room = Room(1000, FULL)
    with room.place() as first:
        assert len(await read_body({"headers": []}, Sender(iter([LARGE + b"a" * 600])).receive, *AMPLE, first))
        with pytest.raises(Rejected) as refused:
            await read([LARGE, b"b" * 600], room, max_bytes=20_000)
        assert refused.value.answer is FULL
        assert len(await read([LARGE, b"b" * 400], room, max_bytes=20_000)) == SMALL_BYTES + 400
        assert room.held == 600
    assert room.held == 0
    assert await read([LARGE, b"b" * 600], room, max_bytes=20_000)


async def test_a_small_body_always_finds_room() -> None:
    """The vendor's usual notification is taken, however much of the room a stranger holds."""
    room = Room(1000, FULL)
    room.take(1000)
    assert await read([b"a" * 8000, b"b" * 8000], room, max_bytes=20_000)


async def test_the_bridge_counts_what_it_has_no_room_for() -> None:
    """503 and `Retry-After`: the vendor comes again; the next body that fits is taken."""
    async with bench_with(replace(SETTINGS, max_body_bytes=20_000, max_held_bytes=20_000)) as bench:
        bench.app._room.take(19_900)
        answer = await bench.client.post(TXPUSH, content=LARGE + b"x" * 101)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert bench.count("requests", route="txpush", outcome="overloaded") == 1
        assert (await bench.client.post(TXPUSH, content=LARGE + b"x" * 100)).status_code == 200
        assert bench.app._room.held == 19_900


async def test_what_was_refused_is_let_go() -> None:
    """Too large, too slow or cut off: nothing stays held."""
    room = Room(10_000, FULL)
    with pytest.raises(Rejected):
        await read([LARGE, b"a" * 2000, b"a" * 2000], room, max_bytes=20_000)

    async def receive() -> Message:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return] # never comes

    with pytest.raises(Rejected), room.place() as place:
        await read_body({"headers": []}, receive, 1000, 0.01, place)
    assert room.held == 0


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ([(b"content-encoding", b"gzip")], ENCODED),
        ([(b"content-encoding", b"identity"), (b"content-encoding", b"br")], ENCODED),
        ([(b"content-length", b"1"), (b"transfer-encoding", b"chunked")], AMBIGUOUS),
        ([(b"transfer-encoding", b"chunked"), (b"content-length", b"many")], AMBIGUOUS),
        ([(b"transfer-encoding", b"gzip, chunked")], AMBIGUOUS),
        ([(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], AMBIGUOUS),
    ],
)
async def test_what_is_framed_otherwise_is_not_read(headers: list[tuple[bytes, bytes]], answer: Answer) -> None:
    """Not a byte of it is asked for."""
    sender = Sender(iter([b"a"]))
    with pytest.raises(Rejected) as refused, Room(1000, FULL).place() as place:
        await read_body({"headers": headers}, sender.receive, 1000, 1.0, place)
    assert (refused.value.answer, sender.sent) == (answer, 0)
