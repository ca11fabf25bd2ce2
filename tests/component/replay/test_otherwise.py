"""What another policy would have led to: its commands against those that went out, and the figures of both."""

from datetime import timedelta
from io import StringIO

import pytest
from rich.console import Console

from schemas.policy import Contact, Policy
from schemas.times import to_epoch_ms
from streams.replay.compare.difference import Cause, Verdict
from streams.replay.otherwise.figures import DAY_MS
from streams.replay.plan import Asked
from streams.replay.report.page import page
from streams.replay.report.table import show
from streams.replay.summary import Summary
from streams.testing import Topology
from tests.component.replay.stage import replayed

FIX, OTP = "connect-fix", "otp-escalation"


def reported(topology: Topology, code: int, account: str = "1") -> None:
    """Have the vendor report an account."""
    record = {"customerId": "7000", "id": account, "institutionId": "10", "institutionLoginId": "7"}
    dates = {"aggregationAttemptDate": int(topology.now.timestamp())}
    body = record | dates | {"aggregationStatusCode": code}
    topology.notify({"event": {"class": "account", "type": "modified", "records": [body]}})


@pytest.fixture(scope="module")
def topology() -> Topology:
    """Give a login that was challenged again after each of three repairs, and in the end fails otherwise for days."""
    with Topology(partitions=1) as topology:
        for _ in range(3):
            reported(topology, 185)
            topology.advance(days=2)
            reported(topology, 0)
            topology.advance(days=1)
        reported(topology, 103)
        topology.advance(days=9)
    return topology


async def under(topology: Topology, policy: Policy, **asked: object) -> Summary:
    """Replay under another policy."""
    return await replayed(topology, asked=Asked(policy=policy, **asked))  # type: ignore[arg-type] # as a test gives them


async def test_the_same_policy_leads_to_the_same(topology: Topology) -> None:
    """Under its own policy nothing is new, dropped or changed, and the figures of both sides are equal."""
    summary = await under(topology, Policy.load())
    assert summary.what_if is not None
    assert {verdict for *_, verdict, _ in summary.what_if.sorts} == {Verdict.SAME}
    assert summary.what_if.recorded == summary.what_if.derived
    assert summary.what_if.recorded.contacts.total() > 0
    assert summary.what_if.recorded.repairs.total() == 0  # it healed at the bank
    assert (summary.exit_code, summary.policy_changes) == (0, [])
    console = Console(file=StringIO(), width=160)
    show(summary, console)
    text = console.file.getvalue()  # type: ignore[attr-defined] # the one of above
    for shown in (text, page(summary, "a cluster")):
        assert "nothing differs: every message went out as it would have under the other policy" in shown
        assert "what differs, by rule" not in shown.lower()


async def test_somebody_of_whom_there_is_nothing(topology: Topology) -> None:
    """It is not said that every message is the same where there is none."""
    summary = await under(topology, Policy.load(), customers=frozenset({"7999"}))
    assert "no message went out, nor would have" in page(summary, "a cluster")


async def test_more_relapses(topology: Topology) -> None:
    """With three relapses instead of two the login is never found to ask every time: R7's escalation is dropped."""
    policy = Policy.load()
    policy = policy.model_copy(update={"version": "3", "otp": policy.otp.model_copy(update={"relapses": 3})})
    summary = await under(topology, policy)
    assert summary.what_if is not None
    assert (summary.what_if.recorded.escalations.total(), summary.what_if.derived.escalations.total()) == (1, 0)
    differing = {one[:3]: one[3] for one in summary.what_if.sorts if one[2] is not Verdict.SAME}
    assert "R7" in differing[OTP, "issue", Verdict.DROPPED]
    assert summary.policy_changes[-1] == "otp.relapses: 2 -> 3"
    (first, *_) = summary.outcomes[0].first
    assert (first.cause, first.customer, summary.exit_code) == (Cause.OTHER_POLICY, "7000", 1)
    console = Console(file=StringIO(), width=160)
    show(summary, console)
    text = console.file.getvalue()  # type: ignore[attr-defined] # the one of above
    assert "incidents that were announced" in text
    assert "otp.relapses: 2 -> 3" in text


@pytest.mark.parametrize(("version", "is_said"), [(Policy.load().version, True), ("3", False)])
async def test_the_version_of_another(topology: Topology, version: str, is_said: bool) -> None:  # noqa: FBT001 - a parameter
    """Shown all the same, with the word that it needs a version of its own to be put in force."""
    policy = Policy.load()
    other = policy.model_copy(update={"version": version, "contact": Contact(reminder_days=())})
    shown = page(await under(topology, other), "a cluster")
    assert ("was in force: give the file a version of its own" in shown) is is_said


async def test_from_a_time_on(topology: Topology) -> None:
    """What came before leads up to it under the recorded policy; other reminders begin with the time that is given."""
    policy = Policy.load()
    policy = policy.model_copy(update={"version": "quiet", "contact": Contact(reminder_days=())})
    since = topology.now - timedelta(days=9)
    summary = await under(topology, policy, since=since)
    assert summary.what_if is not None
    figures = summary.what_if
    assert min(+figures.recorded.contacts) >= to_epoch_ms(since) // DAY_MS
    dropped = {one[:2] for one in figures.sorts if one[2] is Verdict.DROPPED}
    assert dropped == {(FIX, "remind")}
