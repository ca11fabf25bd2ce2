"""Every wait of a partition has its end: past it the process ends, and says which partition it was about."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from schemas.events import Source
from streams import member as members
from streams.kafka.topics import AGENT, EVENTS
from streams.member import Member
from streams.transport import partition as transport
from streams.transport.parts import FoldParts
from streams.transport.poll import Poll
from streams.transport.settings import FoldSettings
from streams.transport.state import restore as restoring
from streams.transport.ticks import Ticks
from streams.worker.health import STUCK_SECONDS
from tests.topology.on_broker import Consumer, Producer
from tests.topology.stage import Stage, Unmeasured
from tests.waiting import until

SOON = 0.05
"""A limit, in seconds, that is over before anybody minds."""
Deliver = Callable[[Poll], Awaitable[None]]


async def hang(*_: object, **__: object) -> NoReturn:
    """Never come back, as a call to a broker that takes a request and does not answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def decide(poll: Poll) -> None:
    """Answer a poll at once."""
    poll.decide()


async def nothing(*_: object, **__: object) -> dict[TopicPartition, Any]:
    """Give no records, whatever is there."""
    return {}


class Hanging(Consumer):
    """The log's consumer, which does not tell its position."""

    position = hang


def owned(
    stage: Stage, limits: dict[str, Any], deliver: Deliver, consumer: Consumer, member: Member | None = None
) -> transport.OwnedPartition:
    """Own the partition within limits."""
    settings = replace(FoldSettings("nowhere", AGENT, EVENTS, 1, stage.clock), **limits)
    unmeasured: Any = Unmeasured()
    parts = FoldParts(
        settings, stage.fold(), Ticks(settings, Source.AGENT, lambda: None), unmeasured, member=member or Member()
    )
    return transport.OwnedPartition(parts, consumer, TopicPartition(EVENTS, 0), deliver)


async def ended(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any], deliver: Deliver, consumer: Consumer
) -> str:
    """Own the partition until its process would end, and give the words."""
    ends = list[str]()
    monkeypatch.setattr(transport, "exit_now", lambda why, _error=None: ends.append(why))
    partition = owned(stage, limits, deliver, consumer)
    await until(lambda: ends, 10)
    await partition.close()
    return ends[0]


@pytest.mark.parametrize(
    "step", ["begin_transaction", "send_batch", "send_offsets_to_transaction", "commit_transaction"]
)
async def test_a_step_of_a_transaction_that_hangs(stage: Stage, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """Whether it stands is not known, and nothing may go on from there."""
    monkeypatch.setattr(Producer, step, hang)
    words = await ended(stage, monkeypatch, {"step_seconds": SOON}, decide, Consumer(group=AGENT))
    assert words == "partition 0: TimeoutError()"


async def test_a_position_that_is_not_told(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a step as well."""
    words = await ended(stage, monkeypatch, {"step_seconds": SOON}, decide, Hanging(group=AGENT))
    assert words == "partition 0: TimeoutError()"


async def test_a_fencing_that_is_not_answered(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The coordinator of the transactions is away for longer than a partition waits for it."""
    monkeypatch.setattr(Producer, "start", hang)
    words = await ended(stage, monkeypatch, {"open_seconds": SOON}, decide, Consumer(group=AGENT))
    assert words == "partition 0: TimeoutError()"


async def test_an_agent_that_does_not_decide(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its poll reaches it, and no answer comes."""

    async def forget(_poll: Poll) -> None:
        """Do nothing about it."""

    words = await ended(stage, monkeypatch, {"decide_seconds": SOON}, forget, Consumer(group=AGENT))
    assert words == "partition 0: TimeoutError()"


class Asking(Member):
    """Asks a coordinator that does not answer, without its own limit."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asking = False

    async def end_if_replaced(self) -> None:
        self.is_asking = True
        await hang()


async def refuse(*_: object, **__: object) -> NoReturn:
    """Fence whoever commits."""
    raise ProducerFenced


async def test_a_fenced_partition_ends_whoever_cancels_it(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebalance that comes while the group is asked who has the name takes nothing from the end."""
    ends = list[str]()
    monkeypatch.setattr(transport, "exit_now", lambda why, _error=None: ends.append(why))
    monkeypatch.setattr(Producer, "commit_transaction", refuse)
    asking = Asking()
    partition = owned(stage, {}, decide, Consumer(group=AGENT), asking)
    await until(lambda: asking.is_asking, 10)
    assert ends == []
    await partition.close()
    assert [words.partition(":")[0] for words in ends] == ["partition 0"]
    assert "ProducerFenced" in ends[0]


async def test_a_question_without_answer_ends_a_fenced_partition(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a limit of its own, as everything has that is waited for."""
    monkeypatch.setattr(Producer, "commit_transaction", refuse)
    monkeypatch.setattr(members, "ASKED_SECONDS", SOON)
    member = Member()
    coordinator = SimpleNamespace(group_id=AGENT, generation=1, member_id="m1", _send_req=hang)
    member.listen(coordinator, "agent-0")
    member._kept_as = "m1"
    ends = list[str]()
    monkeypatch.setattr(transport, "exit_now", lambda why, _error=None: ends.append(why))
    partition = owned(stage, {}, decide, Consumer(group=AGENT), member)
    await until(lambda: ends, 10)
    await partition.close()
    assert "ProducerFenced" in ends[0]


async def test_a_restore_without_end(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changelogs that are read for longer than a restore may take."""
    monkeypatch.setattr(restoring, "AIOKafkaConsumer", type("Reading", (Consumer,), {"end_offsets": hang}))
    words = await ended(stage, monkeypatch, {"restore_seconds": SOON}, decide, Consumer(group=AGENT))
    assert words == "partition 0: TimeoutError()"


async def test_a_restore_that_stands_still(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changelog has an end that is not reached, as of a partition without a leader: it is named."""
    partition = owned(stage, {}, decide, Consumer(group=AGENT))
    await until(lambda: "stands" in stage.cluster.trace, 10)
    await partition.close()
    monkeypatch.setattr(restoring, "AIOKafkaConsumer", type("Still", (Consumer,), {"getmany": nothing}))
    words = await ended(stage, monkeypatch, {}, decide, Consumer(group=AGENT))
    assert words.startswith("partition 0: RestoreStalledError: no more records before the end of")
    assert "txpush-agent-control-changelog" in words


async def test_slow_steps_are_progress(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a transaction may take its whole limit: together they are longer than a worker may stand still."""
    now, longest = 0.0, list[float]()
    partition = owned(stage, {}, decide, Consumer(group=AGENT))

    def slow(step: Callable[..., Awaitable[object]], seconds: float) -> Callable[..., Awaitable[object]]:
        async def taking(*given: object, **more: object) -> object:
            nonlocal now
            now += seconds
            longest.append(now - partition.progressed_at)
            return await step(*given, **more)

        return taking

    monkeypatch.setattr(transport, "time", SimpleNamespace(monotonic=lambda: now))
    limit = partition._settings.step_seconds
    for step in ("begin_transaction", "send_offsets_to_transaction", "commit_transaction"):
        monkeypatch.setattr(Producer, step, slow(getattr(Producer, step), limit))
    monkeypatch.setattr(Producer, "send_batch", slow(Producer.send_batch, 1.0))  # many are one step
    partition._progress.note()
    await until(lambda: "stands" in stage.cluster.trace, 10)
    await partition.close()
    assert now > STUCK_SECONDS
    assert max(longest) < STUCK_SECONDS
