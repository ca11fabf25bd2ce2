"""What a story says: contacts and their reasons, what was held back, how things stood at a time, one account alone."""

from datetime import timedelta

import pytest

from schemas.events import OverrideAction, Source
from schemas.times import rfc3339
from streams.explain import Story
from streams.kafka.topics import TICKETS
from streams.testing import Topology
from streams.testing.topology import START
from tests.unit.explain.stories import (
    ACCOUNT,
    BANK,
    CUSTOMER,
    LOGIN,
    baseline,
    connect,
    dead_letter,
    incident_defers,
    notify,
    observed,
    override,
    passcodes,
    silence,
    told,
    two_mails,
    weak_fix,
)

DAY = timedelta(days=1)


def holds(story: Story) -> list[tuple[str, list[str], str | None]]:
    """Give what was held back: the action, what held it, and how that ended."""
    return [(one.action, [hold.hold for hold in one.held_by], one.ended) for one in story.summary.held_back]


def test_two_mails_are_two_contacts_with_a_reason_each() -> None:
    """An issue because it failed, a reminder because the schedule says so and it failed still."""
    story = told(two_mails())
    issue, remind = story.summary.contacts
    assert [(one.action, one.at, one.rules[0].rule) for one in (issue, remind)] == [
        ("issue", START + DAY, "R3"),
        ("remind", START + 2 * DAY, "R8"),
    ]
    assert "nobody was contacted about this login before" in issue.why
    assert "the last contact about this login was 24 h before; at most one in 24 h (R8)" in remind.why
    assert any(one.startswith("reminder 1 of 3, due 24 h after") for one in remind.why)
    assert [back.says for back in issue.came_back] == ["delivered, reference mail 4711"]
    assert [back.says for back in remind.came_back] == ["Data Connect: done"]
    assert (story.differences, story.notes) == (0, ())


def test_a_lookup_is_told_with_its_answer() -> None:
    """Why it was asked for, and what the executor found."""
    sent = [one for entry in told(two_mails()).entries for one in entry.sent if one.kind == "lookup"]
    assert [(one.action, one.why) for one in sent] == [
        ("verify", ("the fix of 2026-11-03T05:00:00Z had not shown in the data within 15 min",))
    ]
    assert [back.says for back in sent[0].came_back] == [f"account {ACCOUNT}: 0, Last aggregation succeeded"]


def test_an_escalation_rests_on_its_relapses() -> None:
    """The first failure with its repair, each relapse, and the events that told of them."""
    story = told(passcodes())
    (sent,) = [one for entry in story.entries for one in entry.sent if one.kind == "otp-escalation"]
    assert sent.why[0] == "2 relapses in a row, each within 14 d of the repair before it"
    assert [one.partition(":")[0] for one in sent.evidence] == ["first", "relapse 1", "relapse 2"]
    events = [entry.came.event_id for entry in story.entries if entry.came and entry.came.code == 185]
    assert [one.rpartition("event ")[2] for one in sent.evidence] == events
    assert story.now.marked == (LOGIN,)
    assert any("was escalated" in one for one in story.summary.says)


def test_a_passcode_after_a_fix_rests_on_its_attempts() -> None:
    """Two challenges behind one fix say so too, and are what is listed."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        topology.advance(hours=1)
        connect(topology, "done", payload={"institutionId": BANK})
        for _ in range(2):
            topology.advance(hours=1)
            notify(topology, 185)
    (sent,) = [one for entry in told(topology).entries for one in entry.sent if one.kind == "otp-escalation"]
    assert sent.why[0] == "2 attempts met a challenge again although the customer had repaired it"
    assert len(sent.evidence) == 3


def test_an_operator_may_have_said_so() -> None:
    """A mark that no challenge made is the operator's."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        override(topology, OverrideAction.MARK_OTP, CUSTOMER, institution_login_id=LOGIN)
    sent = [one for entry in told(topology).entries for one in entry.sent if one.action == "issue"]
    assert [one.why[0] for one in sent if one.kind == "otp-escalation"] == ["an operator said so (R16)"]


def test_what_is_held_back_is_told_with_the_reason() -> None:
    """Each hold by its name, and what became of the contact."""
    assert holds(told(incident_defers())) == [("issue", ["incident"], "sent")]
    assert holds(told(silence())) == [("issue", ["silence"], None)]
    assert holds(told(baseline())) == [("issue", ["baseline"], "sent")]
    assert holds(told(weak_fix())) == [("remind", ["weak_fix"], "sent")] * 2


def test_a_silence_that_holds_nothing_yet_is_told() -> None:
    """A reminder that falls due is not the whole of it while nobody of the customer's is written to."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        override(topology, OverrideAction.SILENCE, all=True)
        override(topology, OverrideAction.SILENCE, CUSTOMER, institution_login_id=LOGIN)
        override(topology, OverrideAction.SILENCE, institution_id=BANK, until=topology.now + timedelta(days=9))
    says = [one.says for one in told(topology).now.ahead]
    assert [one for one in says if "silence" in one] == [
        f"the silence of contact about institution {BANK} ends (R16)",
        f"contact about login {LOGIN} is silenced (R16)",
        "contact with all customers is silenced (R16)",
    ]
    assert [one for one in says if one.startswith("reminder 1")]


def test_a_pending_fix_holds_and_then_reminds_at_once() -> None:
    """The reminder that fell due meanwhile goes out when the fix is given up, and says so."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        topology.advance(hours=23)
        connect(topology, "done", payload={"institutionId": BANK})
        topology.advance(hours=27)
    story = told(topology)
    assert holds(story) == [("remind", ["fix_pending"], "sent")]
    assert "did not show within 26 h: the next reminder goes out at once (R6)" in story.summary.contacts[1].why[0]


def test_a_cooldown_that_is_not_needed_in_the_end() -> None:
    """A second failure a few hours after the first waits, and is well before it goes out."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        topology.advance(hours=2)
        notify(topology, 0)
        topology.advance(hours=2)
        notify(topology, 185)
        topology.advance(hours=2)
        notify(topology, 0)
    story = told(topology)
    assert holds(story) == [("issue", ["cooldown"], "not_needed")]
    assert story.summary.held_back[0].held_by[0].until == START + DAY
    assert len(story.summary.contacts) == 1


@pytest.mark.parametrize(
    ("code", "because"),
    [(102, "the bank's trouble"), (148, "support's matter"), (77777, "a code that nobody knows")],
)
def test_why_nobody_was_asked(code: int, because: str) -> None:
    """A code that is not the customer's is named, with the reason that no contact follows."""
    topology = Topology()
    with topology:
        notify(topology, code)
        assert topology.commands(TICKETS) or code != 148
    story = told(topology)
    assert story.summary.contacts == ()
    assert story.summary.says[0] == "The customer was not contacted."
    assert f"1 observation of {code}: {because}" in story.summary.says[1]


def test_all_well() -> None:
    """Nights in which nothing was wrong are one entry, and the answer says that nothing asked for a contact."""
    topology = Topology()
    with topology:
        for _ in range(5):
            notify(topology, 0)
            notify(topology, 0, "5900000002")
            topology.advance(days=1)
    story = told(topology)
    assert [(entry.times, entry.says) for entry in story.entries][-1] == (
        8,
        f"accounts {ACCOUNT}, 5900000002: 0, Last aggregation succeeded, 8 times in a row",
    )
    assert story.summary.says == ("The customer was not contacted.", "Nothing that was heard asked for a contact.")


def test_dead_letters_are_told() -> None:
    """With the reason, and where the letter is."""
    story = told(dead_letter())
    (aside,) = [entry.set_aside for entry in story.entries if entry.set_aside]
    assert (aside.reason, aside.letter) == ("not_a_cloud_event", "0/0")
    assert any("could not be used" in one for one in story.summary.says)


def test_how_things_stood_at_a_time() -> None:
    """What was open then, what was to come, and nothing of what came after."""
    story = told(two_mails(), at=START + DAY + timedelta(hours=12))
    assert story.as_of == START + DAY + timedelta(hours=12)
    assert [one.action for one in story.summary.contacts] == ["issue"]
    assert [(one.kind, one.message_id is not None) for one in story.now.open] == [("connect-fix", True)]
    assert [(one.at, one.says) for one in story.now.ahead] == [
        (START + 2 * DAY, f"reminder 1 of 3 for login {LOGIN} falls due")
    ]


def test_what_waited_at_a_time() -> None:
    """With the reason, and until when: an incident at the latest for as long as one lasts."""
    story = told(incident_defers(), at=START + timedelta(minutes=30))
    waits = [one for one in story.now.ahead if "waits" in one.says]
    assert [one.at for one in waits] == [START + timedelta(hours=13)]
    assert waits[0].says == f"issue of connect-fix for login {LOGIN} waits: the bank has an incident (R9)"
    assert holds(story) == [("issue", ["incident"], None)]


def test_from_a_time_on() -> None:
    """What came before is followed, so that the reasons are right, and not told."""
    story = told(two_mails(), since=START + 2 * DAY)
    assert min(entry.at for entry in story.entries) == START + 2 * DAY
    assert [one.action for one in story.summary.contacts] == ["remind"]
    assert any("reminder 1 of 3" in one for one in story.summary.contacts[0].why)
    assert story.notes == ()


def test_not_contacted_since_a_time() -> None:
    """That nobody was contacted is said of the time that is told."""
    story = told(two_mails(), since=START + 20 * DAY)
    assert story.summary.contacts == ()
    assert story.summary.says[0] == f"The customer was not contacted since {rfc3339(START + 20 * DAY)}."


def test_one_account_with_its_login() -> None:
    """What is another login's is left out, of the story and of how things stand."""
    story = told(weak_fix(), account_id="5900000002")
    assert {one.institution_login_id for one in story.summary.contacts} == {"7100000008"}
    assert [one.account_id for one in story.now.accounts] == ["5900000002"]
    told_of = {entry.came.account_id for entry in story.entries if entry.came and entry.came.account_id}
    assert told_of == {"5900000002"}
    assert any(entry.came and entry.came.type == "connect.done" for entry in story.entries)


def test_nobody_known() -> None:
    """An id that the log does not have is an empty story."""
    story = told(two_mails(), customer_id="7999999999")
    assert story.is_empty
    assert story.summary.contacts == ()


def test_a_fix_is_no_contact() -> None:
    """What is read by the executor or a sweep is told as such."""
    topology = Topology()
    with topology:
        observed(topology, 0, Source.SWEEP)
    assert told(topology).entries[0].says == f"read by a sweep: account {ACCOUNT}: 0, Last aggregation succeeded"
