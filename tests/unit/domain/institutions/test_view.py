"""What several decisions about institutions come to in one."""

from streams.domain.institutions import InstitutionDecision, Outcome

SOME, MORE = (
    InstitutionDecision(Outcome.STANDING, rules=("R10",)),
    InstitutionDecision(Outcome.OPENED, rules=("R9", "R10")),
)


def test_the_most_telling_outcome() -> None:
    """Of two outcomes the more telling one stands, whichever comes first: an opening more than standing at a code."""
    assert [one.then(other).outcome for one, other in ((SOME, MORE), (MORE, SOME))] == [Outcome.OPENED] * 2


def test_rules_once_in_order() -> None:
    """The rules of both are named, each once, in the order in which they were applied."""
    assert SOME.then(MORE).rules == ("R10", "R9")
    assert MORE.then(SOME).rules == ("R9", "R10")


def test_size_counts_records() -> None:
    """Every record that changes or goes counts, a message does not: it is what a tick has room for."""
    assert SOME.size == 0
    gone = InstitutionDecision(tickets={"9/103": None}, standings={"9/103/7/1": None, "9/103/7/2": None})
    assert gone.then(InstitutionDecision(gatherings={"9/106": None})).size == 4
