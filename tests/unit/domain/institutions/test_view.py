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
