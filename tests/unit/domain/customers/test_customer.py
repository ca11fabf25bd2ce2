"""A customer is changed by copies, and its header lists what belongs to it."""

from schemas.state import AccountState, CustomerState, LoginState, encode
from streams.domain import Customer
from streams.domain.customers.customer import FORMER_CASES
from tests.unit.domain.build import ACCOUNT, CUSTOMER, LOGIN, START, Story, nightly

EMPTY = Customer(CUSTOMER, CustomerState(event_time=START))


def test_header() -> None:
    """The header lists accounts and cases in the order of their coming; a change of one does not move it."""
    customer = EMPTY.with_account("b", AccountState(START)).with_account("a", AccountState(START))
    customer = (
        customer.with_account("b", AccountState(START, code=0))
        .with_login("M", LoginState())
        .with_login("L", LoginState())
    )
    customer = customer.with_login("M", LoginState(ordinal=1))
    assert (customer.state.account_ids, customer.state.login_ids) == (("b", "a"), ("M", "L"))
    assert (tuple(customer.accounts), tuple(customer.logins)) == (("b", "a"), ("M", "L"))


def test_copies() -> None:
    """A change leaves the customer that it was made from as it was."""
    EMPTY.with_account("a", AccountState(START)).with_login("L", LoginState())
    assert EMPTY.remembers_nothing


def test_live_at() -> None:
    """Only accounts of the login itself count as its live ones, and no deleted ones."""
    customer = EMPTY
    for account_id, login, gone in (("a", LOGIN, None), ("b", "L2", None), ("c", LOGIN, START), ("d", None, None)):
        customer = customer.with_account(account_id, AccountState(START, login_id=login, deleted_at=gone))
    assert [account_id for account_id, _ in customer.live_at(LOGIN)] == ["a"]


def test_case() -> None:
    """A case without episodes so far is an empty one, as is that of an unknown login."""
    customer = EMPTY.with_login(LOGIN, LoginState(ordinal=2))
    assert [customer.case(login).ordinal for login in (LOGIN, "L2", None)] == [2, 0, 0]


def test_without_account() -> None:
    """A case outlasts its last account: its ordinal, and what was learnt of the login, are for the next one."""
    customer = EMPTY.with_login(LOGIN, LoginState("bank", 3)).with_login("L2", LoginState("bank", 5))
    customer = customer.with_account("a", AccountState(START, login_id=LOGIN))
    customer = customer.with_account("b", AccountState(START, login_id=LOGIN))
    once = customer.without_account("a")
    assert (once.state.account_ids, once.state.login_ids) == (("b",), (LOGIN, "L2"))
    twice = once.without_account("b")
    assert (twice.state.account_ids, twice.state.login_ids) == ((), ("L2", LOGIN))
    assert dict(twice.logins) == {"L2": LoginState("bank", 5), LOGIN: LoginState("bank", 3)}


def test_former_cases_are_bounded() -> None:
    """However many logins a customer goes through, only the latest former cases are remembered."""
    customer = EMPTY
    for number in range(FORMER_CASES + 5):
        customer = customer.with_login(f"L{number}", LoginState("bank", 1))
        customer = customer.with_account("a", AccountState(START, login_id=f"L{number}")).without_account("a")
    assert customer.state.login_ids == tuple(f"L{number}" for number in range(5, FORMER_CASES + 5))


def test_new_case_is_no_former_one() -> None:
    """A case that comes to be drops no former one as long as there are no more than may be remembered."""
    customer = EMPTY
    for number in range(FORMER_CASES):
        customer = customer.with_login(f"L{number}", LoginState("bank", 1))
    assert customer.with_login("new", LoginState("bank", 1)).state.login_ids[0] == "L0"


def test_former_accounts() -> None:
    """An account that comes back is a former one no more; the others, whose health can still be erased, are (R18)."""
    customer = EMPTY.with_account("a", AccountState(START)).with_account("b", AccountState(START))
    customer = customer.without_account("a").without_account("b")
    assert customer.state.former_ids == ("a", "b")
    assert customer.with_account("a", AccountState(START)).state.former_ids == ("b",)


def test_cases_of_accounts_are_no_former_ones() -> None:
    """However many cases have accounts, none is dropped for them, and no former case either: only those are bounded."""
    customer = EMPTY.with_login("former", LoginState("bank", 1))
    for number in range(FORMER_CASES + 1):
        customer = customer.with_account(f"a{number}", AccountState(START, login_id=f"L{number}"))
        customer = customer.with_login(f"L{number}", LoginState("bank", 1))
    assert customer.state.login_ids == ("former", *(f"L{number}" for number in range(FORMER_CASES + 1)))


def test_size() -> None:
    """Four nights cost a customer with one failing account about 1 kB of state."""
    story = Story()
    for night in range(6):
        story.hear(nightly(185 if night % 2 else 103, night))
    records = (story.known.state, story.account(), story.login())
    assert sum(len(encode(record)) for record in records) <= 1100
    assert len(encode(Customer(CUSTOMER, story.known.state).state)) + len(encode(story.account())) <= 800
    assert tuple(story.known.accounts) == (ACCOUNT,)
