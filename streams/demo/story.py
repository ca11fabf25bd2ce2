"""The first part of the story: what becomes of eighteen customers on one morning.

The customers of the commands that live through the kill lie in all three partitions: whichever partitions the killed
agent had, it goes on with a state that it must first restore.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

FIRST_CUSTOMER, FIRST_ACCOUNT = 7_000_000_001, 5_900_000_001
"""The sandbox counts ids from here, by every customer and account that it is asked to add."""
BANK, DOWN, ODD = "190001", "190002", "190003"
"""Banks that are made up, in this order."""
BANK_NAMES = ("Bank of the Demo", "Bank in Trouble", "Bank of Odd Codes")
WORKER_TO_KILL = "agent-0"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer with one login at a bank, and what nobody who reads a topic may learn."""

    customer: str
    accounts: tuple[str, ...]
    bank: str

    def name(self, account: str) -> str:
        """Give the name that the account's owner reads."""
        return f"Rosalind's Household Checking {account[-4:]}"

    def number(self, account: str) -> str:
        """Give the number that the bank knows the account by."""
        return f"4000{int(account) % 1_000_000:06d}77"

    def balance(self, account: str) -> float:
        """Give the balance in dollars."""
        return 1_000_000.25 + int(account) % 90_000

    @property
    def secrets(self) -> tuple[str, ...]:
        """Give names, numbers and balances."""
        return tuple(
            secret
            for account in self.accounts
            for secret in (self.name(account), self.number(account), f"{self.balance(account):.2f}")
        )


def _people(*rows: tuple[str, int]) -> Iterator[Person]:
    """Give people by bank and number of accounts, with the ids that the sandbox will give them."""
    account = FIRST_ACCOUNT
    for number, (bank, count) in enumerate(rows):
        accounts = tuple(str(account + one) for one in range(count))
        yield Person(str(FIRST_CUSTOMER + number), accounts, bank)
        account += count


PEOPLE = tuple(_people((BANK, 1), (BANK, 2), (BANK, 1), (BANK, 1), (BANK, 2), (ODD, 1), *((DOWN, 1),) * 12))
HEALED, PAIR, TWICE, BROKEN, GROWING, UNKNOWN, *TWELVE = PEOPLE


@dataclass(frozen=True, slots=True)
class Codes:
    """Have accounts fail, or work again at 0, and refresh their customers; `copies` of the first notification come."""

    title: str
    codes: dict[str, int]
    copies: int = 1

    @property
    def people(self) -> list[Person]:
        """Give whose accounts these are."""
        return [person for person in PEOPLE if not self.codes.keys().isdisjoint(person.accounts)]


@dataclass(frozen=True, slots=True)
class Poison:
    """Post a body that is signed, and no webhook."""

    title: str
    body: bytes
    secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kill:
    """End a worker with SIGKILL and do not wait for it."""

    worker: str


Step = Codes | Poison | Kill

POISON = b'{"eventType": "added", "payload": {"accounts": [{"name": "Rosalind\'s Torn Checking", "balance": 77213.09'

STORY: tuple[Step, ...] = (
    Codes("185: a challenge", {HEALED.accounts[0]: 185}, copies=3),
    Codes("103 and 945, one login", {PAIR.accounts[0]: 103, PAIR.accounts[1]: 945}),
    Codes("945 on one account of a login", {GROWING.accounts[0]: 945}),
    Codes("906 from six customers", {person.accounts[0]: 906 for person in TWELVE[:6]}),
    Kill(WORKER_TO_KILL),
    Codes("906 from six more", {person.accounts[0]: 906 for person in TWELVE[6:]}),
    Codes("103 on its second account", {GROWING.accounts[1]: 103}),
    Codes("0: healed at the bank", {HEALED.accounts[0]: 0}),
    Codes("169: linked twice", {TWICE.accounts[0]: 169}),
    Codes("949: beyond repair", {BROKEN.accounts[0]: 949}),
    Codes("777: in no catalogue", {UNKNOWN.accounts[0]: 777}),
    Poison("a body torn in the middle", POISON, ("Rosalind's Torn", "77213.09")),
)
