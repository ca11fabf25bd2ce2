"""How checks are run: each within its time, whatever it does, and nothing that it says is lost or quoted."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError

from schemas.contract.channels import Component
from streams.doctor import run
from streams.doctor.checks import topics
from streams.doctor.findings import Checked, Finding, Status, left_out, ok, warning, worst, wrong
from streams.doctor.plan import OTHERS, Check, chosen
from streams.doctor.scope import COMPONENTS, Scope
from streams.kafka import applied
from streams.kafka.access import AccessRefusedError, Bootstrap, ClusterError
from streams.kafka.topics import EVENTS, Layout, contract
from streams.settings import SettingsError
from tests.unit.doctor.scopes import scope

Look = Callable[[Scope], Awaitable[Sequence[Finding]]]


def raising(error: Exception) -> Look:
    """Give a check that fails."""

    async def look(_scope: Scope) -> Sequence[Finding]:
        raise error

    return look


def giving(*findings: Finding) -> Look:
    """Give a check that finds something."""

    async def look(_scope: Scope) -> Sequence[Finding]:
        return findings

    return look


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Check], None]:
    """Has a run consist of settings and brokers that are well, and one check."""

    def planned(check: Check) -> None:
        monkeypatch.setattr(run, "SETTINGS", Check("settings", giving(ok("good"))))
        monkeypatch.setattr(run, "BROKERS", Check("brokers", giving(ok("good"))))
        monkeypatch.setattr(run, "chosen", lambda _scope: [check])

    return planned


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (AccessRefusedError("the user 'a' has no right"), Status.LEFT_OUT, "the user 'a' has no right"),
        (GroupAuthorizationFailedError("txpush-agent"), Status.LEFT_OUT, "no right to look at this"),
        (ClusterError("the topics do not fit"), Status.WRONG, "the topics do not fit"),
        (KafkaConnectionError("away"), Status.WRONG, "it could not be asked"),
        (OSError("no route"), Status.WRONG, "no route"),
        (TimeoutError("vendor.auth: not read"), Status.WARNING, "vendor.auth: not read"),
    ],
)
async def test_what_a_check_raises_is_a_finding(
    only: Callable[[Check], None], error: Exception, status: Status, words: str
) -> None:
    """Nothing ends a run: a missing right leaves the check out, a fault is told, each with what to do."""
    only(Check("one", raising(error)))
    (finding,) = (await run.examine(scope()))[-1].findings
    assert (finding.status, words in finding.what, bool(finding.remedy)) == (status, True, True), finding


async def test_a_fault_of_ours_is_told_without_what_it_quotes(only: Callable[[Check], None]) -> None:
    """An error that nobody foresaw may hold a secret: its type and its place are enough."""
    only(Check("one", raising(ValueError("canary-secret"))))
    (finding,) = (await run.examine(scope()))[-1].findings
    assert (finding.status, "ValueError at" in finding.what, "canary" in finding.what) == (Status.WRONG, True, False)


async def test_a_check_that_hangs_ends_in_its_time(
    only: Callable[[Check], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one that does not let itself be cancelled: the others are told all the same."""
    may_end, cancelled = asyncio.Event(), asyncio.Event()

    async def look(_scope: Scope) -> Sequence[Finding]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            await may_end.wait()
        return []

    monkeypatch.setattr(run, "END_SECONDS", 0.05)
    only(Check("one", look, seconds=0.05))
    async with asyncio.timeout(5):
        (finding,) = (await run.examine(scope()))[-1].findings
    may_end.set()
    assert (finding.status, finding.what, cancelled.is_set()) == (Status.WARNING, "not found out within 0 s", True)


async def test_without_a_broker_what_needs_one_is_left_out(
    only: Callable[[Check], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once that no broker lets us in; what needs none is looked at."""
    only(Check("one", giving(ok("seen"))))
    monkeypatch.setattr(run, "BROKERS", Check("brokers", giving(wrong("nobody", "start one"))))
    assert (await run.examine(scope()))[-1] == Checked("one", [left_out("no broker lets us in", run.FIRST)])
    only(Check("one", giving(ok("seen")), needs_broker=False))
    monkeypatch.setattr(run, "BROKERS", Check("brokers", giving(wrong("nobody", "start one"))))
    assert (await run.examine(scope()))[-1] == Checked("one", (ok("seen"),))


async def test_with_other_partitions_what_asks_about_each_is_left_out(
    only: Callable[[Check], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for partitions that are not there; where their number is not known it is made."""
    wanted = scope().settings.partitions
    answers = [{EVENTS: (wanted + 1, 3)}, {EVENTS: (wanted, 3), "other": (7, 3)}, {"other": (7, 3)}, None]

    async def there(_bootstrap: Bootstrap) -> Mapping[str, tuple[int, int]]:
        if (answer := answers.pop(0)) is None:
            raise KafkaConnectionError("away")
        return answer

    monkeypatch.setattr(topics, "topics_there", there)
    only(Check("one", giving(ok("seen")), needs_partitions=True))
    what = f"the topics have {wanted + 1} partitions, and TXPUSH_PARTITIONS is {wanted}"
    assert (await run.examine(scope()))[-1] == Checked("one", [left_out(what, run.TOPICS)])
    for _ in range(3):
        assert (await run.examine(scope()))[-1] == Checked("one", (ok("seen"),))


async def test_brokers_are_asked_for_their_topics_once(
    only: Callable[[Check], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the check that tells what they lack, and for all those that ask about every partition."""
    asked, layout = [], Layout.of(scope().settings)

    class Admin:
        async def start(self) -> None: ...

        async def close(self) -> None: ...

        async def describe_topics(self) -> Sequence[Mapping[str, object]]:
            asked.append(1)
            parts = [{"replicas": [0] * layout.replication}] * layout.partitions
            return [{"topic": one.name, "partitions": parts} for one in contract()]

        async def describe_configs(self, _resources: Sequence[object]) -> Sequence[object]:
            return []

    monkeypatch.setattr(applied, "AIOKafkaAdminClient", lambda **_: Admin())
    monkeypatch.setattr(applied, "differences", lambda *_: [])
    first, second = (Check(name, giving(ok("seen")), needs_partitions=True) for name in ("one", "two"))
    only(first)
    monkeypatch.setattr(run, "chosen", lambda _scope: [first, Check("topics", topics.look), second])
    found = (await run.examine(scope()))[2:]
    assert [(one.name, one.status) for one in found] == [(name, Status.OK) for name in ("one", "topics", "two")]
    assert asked == [1]


async def test_what_several_need_is_asked_for_once() -> None:
    """Two that wait for the same have one answer; one that gives up takes it from nobody."""
    asked = []

    async def ask(_scope: Scope) -> int:
        asked.append(1)
        await asyncio.sleep(0)
        return 7

    made = scope()
    first, second = asyncio.create_task(made.once(ask)), asyncio.create_task(made.once(ask))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second, asked) == (7, [1])
    await made.close(1.0)


def test_settings_that_cannot_be_read_are_told_line_by_line() -> None:
    """Each problem is a finding of its own."""
    (told,) = run.without_settings(SettingsError("TXPUSH_PARTITIONS: no\nTXPUSH_BOOTSTRAP: neither"))
    assert [finding.what for finding in told.findings] == ["TXPUSH_PARTITIONS: no", "TXPUSH_BOOTSTRAP: neither"]
    assert told.status is Status.WRONG


def names(*components: Component) -> list[str]:
    return [check.name for check in chosen(scope(*components))]


def test_components_choose_the_checks() -> None:
    """Each component has what its work depends on; without one there is everything; ports are asked where named."""
    assert names() == [check.name for check in OTHERS if check.name != "processes"]
    assert names(Component.BRIDGE) == ["cluster", "topics", "rights", "clock", "signing keys", "dead letters"]
    agent = ["cluster", "topics", "rights", "clock", "policy", "disk", "lag", "paused", "dead letters"]
    assert names(Component.AGENT) == names(Component.INSTITUTIONS) == agent
    executor = ["cluster", "topics", "rights", "clock", "vendor", "credentials", "lag", "dead letters"]
    assert names(Component.EXECUTOR) == executor
    assert names(Component.CANARY) == ["cluster", "topics", "rights", "clock", "dead letters"]
    assert names(*COMPONENTS) == names()
    asked = Scope(scope().settings, frozenset({Component.BRIDGE}), ("http://127.0.0.1:1",))
    assert [check.name for check in chosen(asked)][-1] == "processes"


def test_the_worst_counts() -> None:
    """Wrong before a warning, a warning before ok; what was left out makes nothing worse."""
    assert Checked("one", [ok(""), left_out("", ""), warning("", "")]).status is Status.WARNING
    assert Checked("one", [left_out("", "")]).status is Status.LEFT_OUT
    assert worst([Status.OK, Status.LEFT_OUT]) is Status.OK
    assert worst([Status.WARNING, Status.WRONG, Status.OK]) is Status.WRONG
    assert worst([]) is Status.OK
