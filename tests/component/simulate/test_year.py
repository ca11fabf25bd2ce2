"""The simulated year of the benchmarks: it closes its loop, and comes out the same for a seed."""

from tests.bench.year.play import Year
from tests.bench.year.tally import Tally
from tests.bench.year.world import TOKEN


def played(seed: int) -> tuple[Year, Tally]:
    """Play three months of a few customers."""
    year = Year(customers=40, seed=seed)
    return year, year.play(days=90)


def test_a_seed_gives_the_same_year() -> None:
    """Every line of the summary is the same again, and another seed gives another."""
    (year, tally), (again, same), (other, different) = played(1), played(1), played(2)
    assert tally.lines(year.logins, 90) == same.lines(again.logins, 90)
    assert tally.lines(year.logins, 90) != different.lines(other.logins, 90)


def test_customers_answer_what_they_are_told() -> None:
    """Contacts lead to repairs, repairs to completed commands, and no login is asked about twice in 24 hours."""
    _, tally = played(1)
    assert tally.repair_hours
    assert tally.messages["connect-fix", "complete"] > 0
    assert tally.closest >= 24
    assert tally.messages["connect-fix", "issue"] + tally.messages["connect-fix", "remind"] < tally.naive


def test_banks_differ() -> None:
    """Some give tokens and challenge nobody, some ask for a passcode always, most keep a device cookie."""
    logins = Year(customers=2000, seed=1).logins
    otp = sum(login.is_otp for login in logins) / len(logins)
    tokens = sum(login.cookie is TOKEN for login in logins) / len(logins)
    assert 0.03 < otp < 0.07
    assert 0.2 < tokens < 0.5
    assert {login.is_otp for login in logins if login.bank.is_asking} == {True}
