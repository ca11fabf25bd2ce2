"""The books of the vendor: who is whose, under which ids, and who hears of a change."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from streams.sandbox.books import errors
from streams.sandbox.books.institutions import Institutions
from streams.sandbox.books.model import Account, Customer, Institution, Login, Subscription
from streams.sandbox.books.profiles import Opening, Profile
from streams.sandbox.seed import Seed

Hear = Callable[[Account, str, datetime], None]
"""Takes an account, `modified` or `deleted`, and the time."""

DIGITS = 10**10
KEY_LENGTH = 250
CLASSES = ("account", "transaction")


@dataclass(slots=True)
class Ids:
    """The next id of each sort; they look like the vendor's."""

    customer: int = 7_000_000_001
    login: int = 7_100_000_001
    account: int = 5_900_000_001
    subscription: int = 17_700_001
    transaction: int = 21_284_820_001

    def take(self, sort: str) -> int:
        """Give the next id and count on."""
        taken: int = getattr(self, sort)
        setattr(self, sort, taken + 1)
        return taken


@dataclass(slots=True)
class World:
    """Everything that the vendor knows; ids are text, times aware UTC."""

    seed: Seed
    hear: Hear
    institutions: Institutions = field(default_factory=Institutions)
    customers: dict[str, Customer] = field(default_factory=dict)
    logins: dict[str, Login] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    subscriptions: dict[str, list[Subscription]] = field(default_factory=dict)
    ids: Ids = field(default_factory=Ids)
    _usernames: set[str] = field(default_factory=set)
    _by_login: dict[str, dict[str, Account]] = field(default_factory=dict)
    _by_customer: dict[str, dict[str, Account]] = field(default_factory=dict)

    def add_customer(self, username: str, kind: str, at: datetime, details: dict[str, str]) -> Customer:
        """Enrol a customer; user names are unique."""
        if username in self._usernames:
            raise errors.Refusal(409, "110002", "Username is not available.")
        self._usernames.add(username)
        customer = Customer(str(self.ids.take("customer")), username, kind, at, details)
        self.customers[customer.id] = customer
        return customer

    def customer(self, customer_id: str) -> Customer:
        """Give a customer; a Refusal when there is none of that id."""
        if customer_id not in self.customers:
            raise errors.no_customer()
        return self.customers[customer_id]

    def account(self, customer_id: str, account_id: str) -> Account:
        """Give an account of a customer; a Refusal when it is not the customer's."""
        self.customer(customer_id)
        account = self.accounts.get(account_id)
        if account is None or account.customer_id != customer_id:
            raise errors.not_of_customer(customer_id, account_id)
        return account

    def login(self, customer_id: str, login_id: str) -> Login:
        """Give a login of a customer that has accounts; a Refusal otherwise."""
        self.customer(customer_id)
        login = self.logins.get(login_id)
        if login is None or login.customer_id != customer_id or not self.of_login(login_id):
            raise errors.no_accounts_of_login()
        return login

    def of_customer(self, customer_id: str) -> list[Account]:
        """Give the accounts of a customer, oldest first."""
        return list(self._by_customer.get(customer_id, {}).values())

    def of_login(self, login_id: str) -> list[Account]:
        """Give the accounts of a login, oldest first."""
        return list(self._by_login.get(login_id, {}).values())

    def bank_of(self, login: Login) -> Institution:
        """Give the bank of a login."""
        return self.institutions.get(login.institution_id)

    def add_login(self, customer_id: str, bank: Institution, profile: Profile, at: datetime) -> Login:
        """Store credentials that the bank took; accounts are added apart."""
        login_id = str(self.ids.take("login"))
        login = Login(login_id, customer_id, bank.id, profile, profile.password, profile.password)
        self.logins[login.id] = login
        if bank.oauth:
            self.consent(login, at)
        if bank.knows_first_device:
            self.recognise(login, at)
        return login

    def open_account(self, login: Login, opening: Opening, at: datetime) -> Account:
        """Add an account of a login; its code is absent until the first aggregation."""
        account_id = str(self.ids.take("account"))
        number = opening.number or f"{int(self.seed.share('number', account_id) * DIGITS):010d}"
        position = 1 + len(self.of_login(login.id))
        account = Account(
            *(account_id, login.customer_id, login.id, login.institution_id, opening.type, position, at),
            *(opening.name, number, opening.balance),
        )
        self.accounts[account.id] = account
        self._by_login.setdefault(login.id, {})[account.id] = account
        self._by_customer.setdefault(login.customer_id, {})[account.id] = account
        return account

    def consent(self, login: Login, at: datetime) -> None:
        """Start the consent of a login over OAuth anew."""
        days = self.bank_of(login).consent_days
        login.consent_from = at
        login.consent_until = None if days is None else at + timedelta(days=days)

    def recognise(self, login: Login, at: datetime) -> None:
        """Have the bank know the vendor's device, for as long as that bank does."""
        login.device_until = at + timedelta(days=self.bank_of(login).device_days)

    def delete_accounts(self, accounts: Sequence[Account], at: datetime) -> None:
        """Delete accounts; their subscribers hear of it and are forgotten."""
        for account in accounts:
            account.updated_at = at
            del self.accounts[account.id]
            del self._by_login[account.login_id][account.id]
            del self._by_customer[account.customer_id][account.id]
            self.hear(account, "deleted", at)
            self.unsubscribe(account.id)

    def move_account(self, account: Account, login: Login, at: datetime) -> None:
        """Put an account under another login of its customer, as connecting anew does; subscribers hear of it."""
        self.customer(account.customer_id)
        if login.customer_id != account.customer_id:
            raise errors.no_resource()
        del self._by_login[account.login_id][account.id]
        self._by_login.setdefault(login.id, {})[account.id] = account
        account.login_id, account.institution_id, account.updated_at = login.id, login.institution_id, at
        self.hear(account, "modified", at)

    def delete_customer(self, customer_id: str, at: datetime) -> None:
        """Delete a customer with everything."""
        self._usernames.discard(self.customer(customer_id).username)
        self.delete_accounts(self.of_customer(customer_id), at)
        self.logins = {key: login for key, login in self.logins.items() if login.customer_id != customer_id}
        del self.customers[customer_id]

    def subscribe(self, account: Account, callback_url: str, *, wants_xml: bool) -> list[Subscription]:
        """Make the subscriptions of an account, one a class with a key of its own; they replace earlier ones."""
        made = []
        for class_name in CLASSES:
            number = self.ids.take("subscription")
            key = self.seed.text(KEY_LENGTH, "signing key", number)
            whose = (account.customer_id, account.id)
            made.append(Subscription(number, *whose, class_name, callback_url, key, wants_xml))
        self.subscriptions[account.id] = made
        return list(made)

    def unsubscribe(self, account_id: str, subscription_id: int | None = None) -> int:
        """End the subscriptions of an account, or the one with an id; gives how many that were."""
        before = self.subscriptions.pop(account_id, [])
        kept = [one for one in before if subscription_id not in {None, one.id}]
        if kept:
            self.subscriptions[account_id] = kept
        return len(before) - len(kept)

    def subscribers(self, account_id: str, class_name: str) -> list[Subscription]:
        """Give the subscriptions of an account and a class."""
        return [one for one in self.subscriptions.get(account_id, []) if one.class_name == class_name]
