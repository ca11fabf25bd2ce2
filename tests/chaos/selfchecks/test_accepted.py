"""What was accepted is accounted for: too few, too many and out of order are told apart."""

from collections import Counter

import pytest

from tests.chaos.check.accepted import Logged, check_accepted, check_set_aside
from tests.chaos.check.compare import Findings
from tests.chaos.check.export import Record
from tests.chaos.load.sent import Claim, Sent


def logged(*names: str) -> Logged:
    """Give a log of one partition and customer with these events."""
    log = Logged()
    log.take(0, [Record(at, b"7", b"", (("ce_id", name.encode()),), 0) for at, name in enumerate(names)])
    return log


def faults(log: Logged, **claims: Claim) -> dict[str, int]:
    """Give the counters that are not 0."""
    findings = Findings()
    check_accepted(findings, claims, log)
    return {name: times for name, times in findings.faults.items() if times}


def claim(sent: float, accepted: float | None, tries: int = 1, times: int = 1) -> Claim:
    """Give a claim for the one record of a body."""
    return Claim((0,), sent, tries, times if accepted is not None else 0, accepted)


@pytest.mark.parametrize(
    ("tries", "accepted", "there", "fault"),
    [
        (1, 1, 1, {}),
        (3, 1, 1, {}),
        (3, 1, 3, {}),
        (3, 2, 1, {"http_200_missing": 1}),
        (1, 1, 0, {"http_200_missing": 1}),
        (1, 1, 2, {"accepted_doubled": 1}),
        (2, 0, 0, {}),
        (2, 0, 2, {}),
        (2, 0, 3, {"accepted_doubled": 1}),
    ],
)
def test_each_200_is_there_and_no_more_than_was_sent(
    tries: int, accepted: int, there: int, fault: dict[str, int]
) -> None:
    """Every 200 has its record; a try without an answer may have one, and no more than one."""
    made = claim(0.0, 1.0 if accepted else None, tries, accepted)
    assert faults(logged(*["a:0"] * there), a=made) == fault


def test_what_the_feed_wrote_itself_may_be_there_twice() -> None:
    """Its client sends again without an answer, and is not idempotent; it has to be there, as any other."""
    findings, name = Findings(), "direct:3"
    check_accepted(findings, {name: claim(0.0, 1.0)}, logged(name, name))
    assert not findings.faults.total()
    check_accepted(findings, {name: claim(0.0, 1.0)}, logged())
    assert +findings.faults == {"http_200_missing": 1}


@pytest.mark.parametrize(("sent", "fault"), [(1.5, {"accepted_out_of_order": 1}), (0.5, {})])
def test_order(sent: float, fault: dict[str, int]) -> None:
    """What was sent after another one's 200 lies behind it; what was under way with it may lie anywhere."""
    assert faults(logged("b:0", "a:0"), a=claim(0.0, 1.0), b=claim(sent, 2.0)) == fault


@pytest.mark.parametrize(
    ("tries", "accepted", "there", "wrong"),
    [(1, 1, 1, 0), (3, 1, 3, 0), (3, 2, 1, 1), (1, 1, 0, 1), (1, 1, 3, 2), (2, 0, 0, 0), (2, 0, 3, 1)],
)
def test_each_body_set_aside_has_its_letters(tries: int, accepted: int, there: int, wrong: int) -> None:
    """One for each 200 at least, and no more than tries; letters are counted, not only looked for."""
    sent, findings = Sent({"a": claim(0.0, 1.0 if accepted else None, tries, accepted)}), Findings()
    sent.refused |= {"a"} if accepted else set()
    check_set_aside(findings, sent, Counter({"a": there}))
    assert findings.faults["dead_letters_unexplained"] == wrong


def test_a_letter_of_what_was_never_sent_is_told() -> None:
    """The bridge has no other bodies than the feed's."""
    findings = Findings()
    check_set_aside(findings, Sent(), Counter({"b": 2}))
    assert findings.faults["dead_letters_unexplained"] == 2
