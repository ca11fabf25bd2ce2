"""Data Connect Full: a bank is chosen, signed in to, and accounts are permissioned; old ones can be looked after."""

from collections.abc import Collection

from streams.sandbox.books.model import Institution
from streams.sandbox.books.profiles import BAD_CREDENTIALS, Profile, sign_in
from streams.sandbox.books.records import added_record
from streams.sandbox.hosted.repair import judge
from streams.sandbox.hosted.session import Session, Step
from streams.sandbox.hosted.teller import Teller
from streams.sandbox.parts import Parts

OAUTH_USER = ("demo", "go")
"""Whom a bank with OAuth takes everybody for who approves."""


class Adding:
    """The steps of adding accounts."""

    def __init__(self, parts: Parts, teller: Teller) -> None:
        self._world = parts.world
        self._teller = teller

    def choose(self, session: Session, bank: Institution) -> None:
        """Go to a bank."""
        session.bank = bank
        self._teller.tell(session, "adding", {"institutionId": bank.id, "oauth": bank.oauth})
        if bank.trouble is not None:
            self._unable(session, bank, bank.trouble)
        else:
            session.go(Step.OAUTH if bank.oauth else Step.CREDENTIALS)

    def sign_in(self, session: Session, bank: Institution, username: str, password: str) -> None:
        """Take credentials to the bank."""
        profile = sign_in(username, password)
        if profile.code == BAD_CREDENTIALS:
            self._teller.tell(session, "invalidCredentials", {"institutionId": bank.id})
            session.mistake("The bank does not take this user name and password.")
        elif profile.code is not None:
            self._unable(session, bank, profile.code)
        elif profile.challenge is not None or bank.challenges:
            session.profile = profile
            session.go(Step.CHALLENGE)
            self._teller.tell(session, "mfa", {"institutionId": bank.id})
        else:
            self._discovered(session, bank, profile)

    def answered(self, session: Session, bank: Institution, answer: str) -> None:
        """Take an answer to the bank."""
        if judge(session, answer) is None and session.profile is not None:
            self._discovered(session, bank, session.profile)

    def approved(self, session: Session, bank: Institution) -> None:
        """Go on after the visitor has approved at the bank's own page."""
        self._discovered(session, bank, sign_in(*OAUTH_USER))

    def save(self, session: Session, bank: Institution, chosen: Collection[str]) -> None:
        """Add the accounts that were permissioned, by their places in the list."""
        profile, at = session.profile, self._teller.now()
        openings = () if profile is None else profile.openings
        wanted = [opening for place, opening in enumerate(openings) if str(place) in chosen]
        if profile is None or not wanted:
            session.problem = "Please choose at least one account."
            return
        login = self._world.add_login(session.link.customer_id, bank, profile, at)
        accounts = [self._world.open_account(login, opening, at) for opening in wanted]
        records = [added_record(account, login) for account in accounts]
        self._teller.tell(session, "added", {"institutionId": bank.id, "accounts": records, "oauth": bank.oauth})
        session.go(Step.FINISH)

    def remove(self, session: Session, chosen: Collection[str]) -> None:
        """Delete accounts that the customer has no use for."""
        ours = [one for one in self._world.of_customer(session.link.customer_id) if one.id in chosen]
        for institution_id in sorted({account.institution_id for account in ours}):
            there = [account.id for account in ours if account.institution_id == institution_id]
            self._teller.tell(session, "accountsDeleted", {"accounts": there, "institutionId": institution_id})
        self._world.delete_accounts(ours, self._teller.now())
        for login_id in sorted({account.login_id for account in ours}):
            self._teller.refresh(self._world.logins[login_id])

    def _discovered(self, session: Session, bank: Institution, profile: Profile) -> None:
        session.profile = profile
        found = [{"name": opening.name, "type": opening.type} for opening in profile.openings]
        self._teller.tell(session, "discovered", {"institutionId": bank.id, "accounts": found})
        session.go(Step.ACCOUNTS)

    def _unable(self, session: Session, bank: Institution, code: int) -> None:
        session.code = code
        session.go(Step.TROUBLE)
        self._teller.tell(session, "unableToConnect", {"institutionId": bank.id, "code": code})
