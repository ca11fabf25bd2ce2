"""A process as a member of its group: when another one has its name, and when that only seems so."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.errors import GroupCoordinatorNotAvailableError, UnknownMemberIdError
from aiokafka.protocol.commit import OffsetCommitRequest, OffsetFetchRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from streams import member
from streams.member import FENCED_INSTANCE_ID, Member, NamedHeartbeat, NameTakenError, end_replaced

NAME = "agent-0"
UNKNOWN = UnknownMemberIdError.errno
HEARTBEAT = HeartbeatRequest("agents", 3, "m1")
SYNC = SyncGroupRequest("agents", 3, "m1", NAME, [])
COMMIT = OffsetCommitRequest("agents", 3, "m1", -1, [])


def join(member_id: str) -> JoinGroupRequest:
    """Ask for a place in the group."""
    return JoinGroupRequest("agents", 10_000, 30_000, member_id, NAME, "consumer", [])


@dataclass
class Answer:
    """What a broker says."""

    error_code: int


@dataclass
class Coordinator:
    """aiokafka's, with a broker behind it that answers with one error, or fails."""

    error: int = 0
    failure: Exception | None = None
    member_id: str = "m1"
    group_id: str = "agents"
    generation: int = 3
    asked: list[Any] = field(default_factory=list)

    async def _send_req(self, request: object) -> Answer:
        self.asked.append(request)
        if self.failure is not None:
            raise self.failure
        return Answer(self.error)


@dataclass
class Stage:
    """A member that hears, and what it was told of."""

    coordinator: Coordinator
    member: Member
    told: list[tuple[str, str]]

    async def hears(self, request: object, error: int) -> int:
        """Have aiokafka ask something; gives the error that it sees."""
        self.coordinator.error = error
        return (await self.coordinator._send_req(request)).error_code


@pytest.fixture
async def stage() -> Stage:
    """A member whose place the group has kept."""
    told: list[tuple[str, str]] = []
    coordinator, heard = Coordinator(), Member(lambda *whom: told.append(whom))
    heard.listen(coordinator, NAME)
    made = Stage(coordinator, heard, told)
    assert await made.hears(SYNC, 0) == 0
    coordinator.asked.clear()
    return made


async def test_heartbeats_have_the_name(stage: Stage) -> None:
    """Without it a broker says that nobody knows the member, whoever has taken its name."""
    assert await stage.hears(HEARTBEAT, 0) == 0
    (asked,) = stage.coordinator.asked
    assert isinstance(asked, NamedHeartbeat)
    sent = asked.prepare({12: (0, 4)})
    assert (sent.API_VERSION, sent.group, sent.generation_id) == (3, "agents", 3)
    assert (sent.member_id, sent.group_instance_id) == ("m1", NAME)


async def test_everything_else_goes_as_it_is(stage: Stage) -> None:
    """Other answers have other shapes, and no error of members."""
    fetch = OffsetFetchRequest("agents", [])
    assert await stage.hears(fetch, FENCED_INSTANCE_ID) == FENCED_INSTANCE_ID
    assert (stage.coordinator.asked, stage.told) == ([fetch], [])


@pytest.mark.parametrize("request_", [HEARTBEAT, join("m1"), SYNC], ids=["heartbeat", "join", "sync"])
async def test_another_with_the_name_is_told(stage: Stage, request_: object) -> None:
    """Whatever it asks as the member that the group has kept: the name is another's now, and stays it."""
    with pytest.raises(NameTakenError):
        await stage.hears(request_, FENCED_INSTANCE_ID)
    assert stage.told == [("agents", NAME)]
    stage.coordinator.asked.clear()
    for again in (HEARTBEAT, join(""), SYNC, COMMIT):
        with pytest.raises(NameTakenError):
            await stage.hears(again, 0)
    assert (stage.coordinator.asked, stage.told) == ([], [("agents", NAME)])


async def test_another_that_joins_meanwhile_is_told(stage: Stage) -> None:
    """Two that start at the same moment: the first is answered when the second comes."""
    stage.coordinator.member_id = ""
    with pytest.raises(NameTakenError):
        await stage.hears(join(""), FENCED_INSTANCE_ID)
    assert stage.told == [("agents", NAME)]


@pytest.mark.parametrize("request_", [join("m2"), SYNC], ids=["join", "sync"])
async def test_a_place_that_was_lost_is_no_other_worker(stage: Stage, request_: object) -> None:
    """A coordinator that moves forgets an id that it has given and not kept: the member joins without one."""
    stage.coordinator.member_id = "m2"
    assert await stage.hears(request_, FENCED_INSTANCE_ID) == UNKNOWN
    assert stage.told == []


@pytest.mark.parametrize("error", [UNKNOWN, 22, 27])
async def test_silence_and_rebalances_are_no_other_worker(stage: Stage, error: int) -> None:
    """Who was silent for too long, or is of another generation, joins again: aiokafka's business."""
    assert await stage.hears(HEARTBEAT, error) == error
    assert stage.told == []


@dataclass
class Committed:
    """What a broker says to offsets: an error for each partition."""

    topics: list[tuple[str, list[tuple[int, int]]]]


@pytest.mark.parametrize("heard", [0, UNKNOWN, FENCED_INSTANCE_ID])
async def test_offsets_that_are_refused_ask_for_the_name(stage: Stage, heard: int) -> None:
    """They go without it, and their answer would have aiokafka join again, and take the name back."""

    async def send(request: object) -> Answer | Committed:
        stage.coordinator.asked.append(request)
        refused = Committed([("t", [(0, 0), (1, UNKNOWN)])])
        return refused if isinstance(request, OffsetCommitRequest) else Answer(heard)

    stage.member._send = send
    if heard == FENCED_INSTANCE_ID:
        with pytest.raises(NameTakenError):
            await stage.coordinator._send_req(COMMIT)
        assert stage.told == [("agents", NAME)]
    else:
        assert isinstance(await stage.coordinator._send_req(COMMIT), Committed)
        assert stage.told == []
    assert [type(one) for one in stage.coordinator.asked] == [OffsetCommitRequest, NamedHeartbeat]


async def test_offsets_that_are_taken_ask_nothing(stage: Stage) -> None:
    """One request for one."""

    async def send(request: object) -> Committed:
        stage.coordinator.asked.append(request)
        return Committed([("t", [(0, 0)])])

    stage.member._send = send
    await stage.coordinator._send_req(COMMIT)
    assert stage.coordinator.asked == [COMMIT]


async def test_a_question_has_its_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator that does not answer holds nobody up."""
    monkeypatch.setattr(member, "ASKED_SECONDS", 0.01)
    stage.member._send = lambda _request: asyncio.Event().wait()
    async with asyncio.timeout(5):
        await stage.member.end_if_replaced()
    assert stage.told == []


@pytest.mark.parametrize("error", [0, UNKNOWN, FENCED_INSTANCE_ID])
async def test_a_fenced_worker_asks(stage: Stage, error: int) -> None:
    """A transaction is fenced by whoever opens the partition: only the group knows whether that one has the name."""
    stage.coordinator.error = error
    await stage.member.end_if_replaced()
    assert len(stage.coordinator.asked) == 1
    assert stage.told == [("agents", NAME)] * (error == FENCED_INSTANCE_ID)


async def test_a_fenced_worker_that_joins_does_not_ask(stage: Stage) -> None:
    """It may have taken the name from itself."""
    stage.coordinator.error, stage.coordinator.member_id = FENCED_INSTANCE_ID, ""
    await stage.member.end_if_replaced()
    assert (stage.coordinator.asked, stage.told) == ([], [])


@pytest.mark.parametrize("failure", [GroupCoordinatorNotAvailableError(), OSError("gone"), TimeoutError()])
async def test_without_an_answer_nobody_is_accused(stage: Stage, failure: Exception) -> None:
    """The end that is under way goes on."""
    stage.coordinator.failure = failure
    await stage.member.end_if_replaced()
    assert stage.told == []


async def test_a_worker_without_a_name_is_let_be() -> None:
    """There is nothing that another could have taken."""
    coordinator, nameless = Coordinator(), Member()
    nameless.listen(coordinator, None)
    await coordinator._send_req(HEARTBEAT)
    await nameless.end_if_replaced()
    assert coordinator.asked == [HEARTBEAT]


def test_the_end_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Group, setting, name, what to do, and what happens else."""
    said: list[str] = []
    monkeypatch.setattr(member, "exit_now", said.append)
    end_replaced("txpush-agent", NAME)
    (line,) = said
    assert line.startswith(
        "another worker of txpush-agent has joined under the same TXPUSH_INSTANCE 'agent-0'; give each"
    )
    assert "\n" not in line
