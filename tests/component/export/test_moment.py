"""What an agent knows and what it has written is exported as of one moment, or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from streams.export import cut
from streams.export.choices import CONTROLS, Choices, ExportError, chosen_topics
from streams.export.cut import Ends, planned
from streams.export.run import Run
from streams.fold.effects import SourceRecord
from streams.history import Content, Place, Span
from streams.history.exports.history import ExportOrigin
from streams.kafka.topics import AGENT, EVENTS, INSTITUTIONS
from streams.testing.history import MemoryHistory, MemoryOrigin
from streams.testing.topology import START
from tests.component.export.build import CUSTOMERS, KEY, forgotten, looked, origin_of, traffic
from tests.component.export.test_export import same
from tests.component.export.test_names import everything

ALL = chosen_topics((), secrets=False, until=False)


@pytest.fixture(scope="module")
def origin() -> MemoryOrigin:
    with traffic() as topology:
        return origin_of(topology)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cut, "PAUSE_SECONDS", 0.0)


@dataclass
class Between:
    """An origin at which something happens whenever spans are asked for, or records are read."""

    inner: MemoryOrigin
    at_spans: Callable[[tuple[str, ...]], int] = lambda _: 0
    """Gives by how much more the partitions have than there is."""
    at_read: Callable[[Place], None] = lambda _: None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["BetweenHistory"]:
        yield BetweenHistory(self)


class BetweenHistory(MemoryHistory):
    def __init__(self, origin: Between) -> None:
        super().__init__(origin.inner.cluster)
        self._origin = origin

    async def spans(self, topics: Iterable[str]) -> dict[Place, Span]:
        asked = tuple(topics)
        self._origin.asked.append(asked)
        more = self._origin.at_spans(asked)
        return {place: Span(span.begin, span.end + more) for place, span in (await super().spans(asked)).items()}

    async def read(self, place: Place, span: Span) -> AsyncIterator[Sequence[SourceRecord]]:
        self._origin.at_read(place)
        async for records in super().read(place, span):
            yield records


def plan_of(origin: Between, uncommitted: Ends | None = None) -> None:
    async def made() -> None:
        async with origin.open() as history:
            await planned(history, Choices(ALL, Content.WHOLE), START, uncommitted)

    asyncio.run(made())


def test_ends_are_taken_when_no_agent_commits(origin: MemoryOrigin) -> None:
    """Tried again while the control records move; after some time it says what to stop."""
    moves = iter([1, 0, 2, 2, 0, 3, 3, 0, 3])  # before, all, after: the third time it rests
    between = Between(origin, lambda _: next(moves))
    plan_of(between)
    assert between.asked == [CONTROLS, ALL, CONTROLS] * 3
    count = iter(range(10_000))
    with pytest.raises(ExportError, match=r"the agents write all the time.*stop both agents"):
        plan_of(Between(origin, lambda _: next(count)))


def test_an_open_transaction_is_waited_for(origin: MemoryOrigin) -> None:
    """What is committed behind it could not be read: state would know what the export has not."""
    answers = iter([1, 1, 0])

    async def uncommitted(topics: tuple[str, ...]) -> Mapping[Place, int]:
        more = next(answers)
        async with origin.open() as history:
            return {place: span.end + more for place, span in (await history.spans(topics)).items()}

    between = Between(origin)
    plan_of(between, uncommitted)
    assert between.asked == [CONTROLS, ALL] * 2 + [CONTROLS, ALL, CONTROLS]
    assert next(answers, None) is None


def test_state_that_moved_while_it_was_read_is_no_export(tmp_path: Path) -> None:
    """Refused in words, and begun anew by the next run, which has all."""
    with traffic() as topology:
        once = iter([looked(CUSTOMERS[0], 109, 20_000)])

        def write(place: Place) -> None:
            if place.topic == CONTROLS[0] and (event := next(once, None)) is not None:
                topology.send(event)

        origin, said = origin_of(topology), list[str]()
        wanted = Choices(ALL, Content.WHOLE)
        with pytest.raises(ExportError, match="an agent has written while the state was read: stop both agents"):
            Run(Between(origin, at_read=write), tmp_path / "export", wanted, 1, b"", START).go()
        Run(origin, tmp_path / "export", wanted, 1, b"", START, say=said.append).go()
        assert said[0] == "the agents have written since it was begun: it begins anew"
        assert said[-1] == "the state is there: the agents may start again"
        assert asyncio.run(same(origin, ExportOrigin(tmp_path / "export"))) > 200


def test_who_is_forgotten_between_two_runs_is_in_no_file(tmp_path: Path) -> None:
    """Files of the first run have the id: none of them stays."""
    with traffic() as topology:
        wanted = Choices(ALL, Content.STRIPPED)
        folder, said = tmp_path / "export", list[str]()
        with pytest.raises(ExportError, match="partition 2: away"):
            Run(Between(origin_of(topology), at_read=failing), folder, wanted, 1, KEY, START).go()
        assert CUSTOMERS[5].encode() in everything(folder)
        topology.send(forgotten(CUSTOMERS[5], 20_000))
        Run(origin_of(topology), folder, wanted, 1, KEY, START, say=said.append).go()
        assert "another customer was forgotten since it was begun: it begins anew" in said
        found = everything(folder)
        assert [one for one in CUSTOMERS if one.encode() not in found] == [CUSTOMERS[5]]


def failing(place: Place) -> None:
    """Fail at the last topic of a partition."""
    if place == Place(ALL[-1], 2):
        raise ExportError("away")


def test_agents_that_run_are_told_of(origin: MemoryOrigin, tmp_path: Path) -> None:
    """They may rest just now; what they send later, a cluster restored from the export sends again."""

    async def at_work() -> Mapping[str, int]:
        return {AGENT: 2, INSTITUTIONS: 0}

    said: list[str] = []
    wanted = Choices(ALL, Content.WHOLE)
    Run(origin, tmp_path / "one", wanted, 1, KEY, START, at_work=at_work, say=said.append).go()
    (told,) = (line for line in said if " member" in line)
    assert told.startswith(f"{AGENT} has 2 members: what it decides from now on is not in the export")
    assert "stop both agents and export again" in told


def test_agents_that_have_started_again_are_not_told_of(origin: MemoryOrigin, tmp_path: Path) -> None:
    """As they may once the state is there: a run that goes on with the rest asks nobody to stop them."""

    async def at_work() -> Mapping[str, int]:
        return {AGENT: 1, INSTITUTIONS: 1}

    def away(place: Place) -> None:
        if place.topic == EVENTS:
            raise ExportError("away")

    wanted, folder, said = Choices(ALL, Content.WHOLE), tmp_path / "export", list[str]()
    with pytest.raises(ExportError, match="partition 2: away"):
        Run(Between(origin, at_read=away), folder, wanted, 1, KEY, START).go()
    Run(origin, folder, wanted, 1, KEY, START, at_work=at_work, say=said.append).go()
    assert said[0].startswith("going on with the export")
    assert [line for line in said if " member" in line] == []


def test_who_runs_need_not_be_known(origin: MemoryOrigin, tmp_path: Path) -> None:
    """An export is whole without it, and one that is not to be restored from has no need of it."""

    async def unseen() -> Mapping[str, int]:
        raise TimeoutError

    async def at_work() -> Mapping[str, int]:
        return {AGENT: 1}

    for content, asked in ((Content.WHOLE, unseen), (Content.PSEUDONYMISED, at_work)):
        said: list[str] = []
        folder = tmp_path / content
        Run(origin, folder, Choices(ALL, content), 1, KEY, START, at_work=asked, say=said.append).go()
        assert [line for line in said if " member" in line] == []
        assert (folder / "manifest.json").exists()
