"""What was recorded is the truth: where it is gone, changed or another release's, the story says so in its place."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from schemas.policy import Contact, Policy
from streams.explain import ExplainError
from streams.explain.reading.topics import RULES
from streams.fold.effects import SourceRecord
from streams.kafka.topics import AUDIT, DEAD_LETTER, EVENTS, LOOKUP
from streams.testing import Topology
from streams.testing.topology import START
from tests.unit.explain.stories import CUSTOMER, notify, screen, told, two_mails
from tests.unit.explain.tampered import Tampered, rewritten

FIX = "remediation.connect-fix"
TIMER = ("ce_type", b"clock.tick")


def is_own(record: SourceRecord) -> bool:
    """Tell a record under the customer's key."""
    return record.key == CUSTOMER.encode()


def issued(record: SourceRecord) -> bool:
    """Tell the decision by which the first mail went out."""
    read = orjson.loads(record.value or b"{}")
    return is_own(record) and any(one["topic"] == FIX and one["id"].endswith(":0") for one in read["messages"])


def test_another_release_decided_otherwise() -> None:
    """The recorded phase is told, what is derived stands beside it, and no reason is made up."""

    def change(topic: str, record: SourceRecord) -> SourceRecord:
        if topic != AUDIT or not issued(record):
            return record
        return rewritten(record, phase_after="otp", engine_version="0")

    topology = two_mails()
    story = told(topology, Tampered(topology, change))
    (entry,) = [one for one in story.entries if one.differs]
    assert entry.decided is not None
    assert entry.decided.phase_after == "otp"
    assert entry.differs == (
        "derived phases: healthy to customer_action",
        "decided by engine 0; this release is engine 1",
    )
    assert entry.sent[0].why == ("as recorded; this release derives otherwise, so no reasons are derived",)
    assert story.differences == 1
    assert any("decided by engine 0" in note for note in story.notes)
    assert any("derives otherwise than was recorded" in note for note in story.notes)
    assert any(line.strip().startswith("DIFFERS") for line in screen(story))


def test_the_same_by_another_release() -> None:
    """Where both came to the same, nothing differs, and the release is named once."""

    def change(topic: str, record: SourceRecord) -> SourceRecord:
        return rewritten(record, engine_version="0") if topic == AUDIT and is_own(record) else record

    topology = two_mails()
    story = told(topology, Tampered(topology, change))
    assert (story.differences, len(story.notes)) == (0, 1)


def test_a_decision_that_was_never_recorded_is_not_told() -> None:
    """What the core would do is said to be derived; nothing is shown as sent, and the message is nobody's."""

    def change(topic: str, record: SourceRecord) -> SourceRecord | None:
        return None if topic == AUDIT and issued(record) else record

    topology = two_mails()
    story = told(topology, Tampered(topology, change))
    differing = [one for one in story.entries if one.differs]
    assert differing[0].differs == ("nothing was recorded, derived: issue of connect-fix",)
    assert differing[0].sent == ()
    assert "1 message to the customer named by no decision: run `txpush audit verify`" in story.notes


def test_a_timer_that_was_decided_later_is_told_where_it_was() -> None:
    """A tick has a limit of customers: who is beyond is decided on at the next one, and that is no difference."""
    topology = two_mails()
    ticks = [record for record in topology.cluster.read(EVENTS, 0) if TIMER in record.headers]
    reminds = ticks[0]
    early = replace_offset = reminds.offset - 1

    def change(topic: str, record: SourceRecord) -> SourceRecord:
        if topic == EVENTS and record.offset == early:
            return reminds._replace(offset=replace_offset)
        return record

    story = told(topology, Tampered(topology, change))
    (remind,) = [one for one in story.entries if any(sent.action == "remind" for sent in one.sent)]
    assert remind.offset == reminds.offset
    assert remind.differs == ()


def test_what_the_agent_has_not_decided_yet() -> None:
    """Behind the last recorded decision a record that asks for something is said to wait."""

    def change(topic: str, record: SourceRecord) -> SourceRecord | None:
        is_late = topic == AUDIT and orjson.loads(record.value or b"{}").get("offset", 0) > 1
        return None if is_late or topic == FIX else record

    topology = Topology()
    with topology:
        notify(topology, 0)
        topology.advance(hours=1)
        notify(topology, 185)
    story = told(topology, Tampered(topology, change))
    assert [(entry.is_ahead, entry.differs, entry.sent) for entry in story.entries][-1] == (True, (), ())
    assert story.now.open == ()
    assert any("waits for the agent" in note for note in story.notes)


def test_a_message_that_is_gone_is_told_as_derived() -> None:
    """Recorded as sent and not in its topic: the derived one has the recorded hash, and the story says whom to ask."""

    def change(topic: str, record: SourceRecord) -> SourceRecord | None:
        return None if topic == FIX and is_own(record) else record

    topology = two_mails()
    story = told(topology, Tampered(topology, change))
    missing = [one.missing for entry in story.entries for one in entry.sent if one.missing]
    assert missing == ["decided, but not in its topic: run `txpush audit verify`; told as it is derived"] * 3
    assert [one.action for one in story.summary.contacts] == ["issue", "remind"]
    assert "3 messages of recorded decisions cannot be found: run `txpush audit verify`" in story.notes


def test_a_message_that_nobody_knows_is_named() -> None:
    """Gone, and with another hash than the derived one: its id is told, and that it may have been a contact."""

    def change(topic: str, record: SourceRecord) -> SourceRecord | None:
        if topic == FIX and is_own(record):
            return None
        if topic != AUDIT or not issued(record):
            return record
        messages = [one | {"sha256": "0" * 64} for one in orjson.loads(record.value or b"{}")["messages"]]
        return rewritten(record, messages=messages)

    topology = two_mails()
    story = told(topology, Tampered(topology, change))
    (entry,) = [one for one in story.entries if one.differs]
    assert (entry.sent[0].action, entry.sent[0].missing) == (
        None,
        "decided, but not in its topic: run `txpush audit verify`",
    )
    assert story.summary.says[0] == "1 decided message cannot be shown: see below."
    assert entry.sent[0].message_id in " ".join(screen(story))


WIRED = {"code": 185, "text": "please wire money"}


def test_a_message_with_other_words_is_none_of_ours() -> None:
    """What was decided is told with its own words, and that there is a message which nobody has decided."""

    def change(topic: str, record: SourceRecord) -> SourceRecord:
        return rewritten(record, reason=WIRED) if topic == FIX and is_own(record) else record

    topology = two_mails()
    story = told(topology, Tampered(topology, change))
    genuine = told(topology)
    assert [one.reason for one in story.summary.contacts] == [one.reason for one in genuine.summary.contacts]
    assert "3 messages to the customer named by no decision: run `txpush audit verify`" in story.notes
    assert "3 messages of recorded decisions cannot be found: run `txpush audit verify`" in story.notes


def test_a_forged_message_hides_none() -> None:
    """One that was written later under the id of another is not told in its place."""
    topology = two_mails()
    (first, *_, last) = [record for record in topology.cluster.read(FIX, 0) if is_own(record)]

    def change(topic: str, record: SourceRecord) -> SourceRecord:
        if topic != FIX or record.offset != last.offset:
            return record
        return replace(rewritten(first, reason=WIRED), offset=last.offset, timestamp=last.timestamp)

    story = told(topology, Tampered(topology, change))
    genuine = told(topology)
    assert story.summary.contacts == genuine.summary.contacts
    assert "1 message to the customer named by no decision: run `txpush audit verify`" in story.notes


def test_what_retention_has_removed_is_said() -> None:
    """A look-up of more than a week ago is not missing: its topic begins later."""
    topology = two_mails()
    end = len(topology.cluster.read(LOOKUP, 0))
    story = told(topology, Tampered(topology, begins={LOOKUP: end}))
    (lookup,) = [one for entry in story.entries for one in entry.sent if one.topic == LOOKUP]
    assert (lookup.action, lookup.missing) == ("verify", "not kept any more; told as it is derived")
    assert f"{LOOKUP}: nothing is left" in story.notes


def test_a_log_that_begins_late() -> None:
    """What came before its first record is gone, and what is derived begins without it."""
    topology = two_mails()
    story = told(topology, Tampered(topology, begins={EVENTS: 4}))
    assert f"{EVENTS}: what came before 2026-11-02T04:00:00Z is gone" in story.notes
    assert "how the customer stood before is not known: what is derived begins without it" in story.notes
    assert [one.action for one in story.summary.contacts] == ["remind"]


def test_without_the_audit_it_is_derived() -> None:
    """An export may lack it: messages are found by what is derived, and that is said."""
    topology = two_mails()
    story = told(topology, Tampered(topology, absent=frozenset({AUDIT, DEAD_LETTER})))
    assert [one.action for one in story.summary.contacts] == ["issue", "remind"]
    assert f"{AUDIT} is not in tampered; what was decided is derived" in story.notes
    assert all(entry.decided.is_derived for entry in story.entries if entry.decided)


def test_without_the_log_there_is_no_story() -> None:
    """The refusal says what to do."""
    topology = two_mails()
    with pytest.raises(ExplainError, match=rf"there is no {EVENTS} to read: name the right cluster or folder"):
        told(topology, Tampered(topology, absent=frozenset({EVENTS})))


def test_a_record_of_a_later_release_is_refused() -> None:
    """Misread it would be another story."""

    def change(topic: str, record: SourceRecord) -> SourceRecord:
        if topic != EVENTS or not is_own(record):
            return record
        headers = (*record.headers, ("ce_dataschema", b"urn:txpush-remediation:99:any"))
        return replace(rewritten(record), headers=headers)

    topology = two_mails()
    with pytest.raises(ExplainError, match=r"version 99 .* offset 1 of .*; run the release that wrote it"):
        told(topology, Tampered(topology, change))


def test_rules_that_changed_are_told_and_followed() -> None:
    """Another policy is an entry of its own; what it changes is explained by it."""
    topology = Topology()
    with topology:
        notify(topology, 185)
        topology.advance(hours=1)
        topology.activate(Policy(version="mild", contact=Contact(reminder_days=(2,))))
        topology.advance(days=3)
    story = told(topology)
    assert [entry.says for entry in story.entries if entry.came and entry.came.type == "policy.activated"] == [
        "other rules: policy mild, catalogue 2026-11-2"
    ]
    assert [one.at for one in story.summary.contacts] == [START, START + timedelta(days=2)]
    assert "reminder 1 of 1" in story.summary.contacts[1].why[0]
    assert (story.policy_version, story.differences) == ("mild", 0)


def test_rules_that_the_log_has_lost() -> None:
    """The record that put them in force is gone with its time: the agent keeps them, and so nothing differs."""
    topology = Topology(policy=Policy(version="mild", contact=Contact(reminder_days=(2,))))
    with topology:
        topology.advance(hours=1)
        notify(topology, 185)
        topology.advance(days=3)
    story = told(topology, Tampered(topology, begins={EVENTS: 1}))
    assert (story.policy_version, story.differences) == ("mild", 0)
    without = Tampered(topology, begins={EVENTS: 1}, absent=frozenset({RULES}))
    assert told(topology, without).differences > 0
