"""Data Connect Fix: one login, whatever keeps it from working."""

from collections.abc import Mapping
from typing import Any

from streams.sandbox.books.aggregation import CHALLENGED, OK, asks
from streams.sandbox.books.model import Account, Institution, Login
from streams.sandbox.books.profiles import ANSWER_AGAIN, ANSWER_WRONG, Challenge
from streams.sandbox.books.records import added_record
from streams.sandbox.hosted.session import Session, Step
from streams.sandbox.hosted.teller import Teller
from streams.sandbox.parts import Parts

WRONG_ANSWER = 187
PASSWORD_EXPIRED = 109
_ANSWERABLE = frozenset({CHALLENGED, WRONG_ANSWER})


class Repair:
    """The steps of a repair."""

    def __init__(self, parts: Parts, teller: Teller) -> None:
        self._world = parts.world
        self._aggregator = parts.aggregator
        self._teller = teller

    def begin(self, session: Session, login: Login) -> None:
        """Look at the login and say what the page asks for first."""
        bank = self._world.bank_of(login)
        session.login, session.bank, session.profile = login, bank, login.profile
        session.code = self._standing(login)
        session.go(self._first_step(session, bank))
        if session.step is Step.TROUBLE:
            self._teller.tell(session, "unableToConnect", {"institutionId": bank.id, "code": session.code})
        if session.step is Step.CHALLENGE:
            self._teller.tell(session, "mfa", {"institutionId": bank.id})

    def sign_in(self, session: Session, login: Login, username: str, password: str) -> None:
        """Take credentials to the bank."""
        if not self._accepts(session, login, username, password):
            self._teller.tell(session, "invalidCredentials", {"institutionId": login.institution_id})
            session.mistake("The bank does not take this user name and password.")
            return
        login.password = login.bank_password = password
        if asks(self._world.bank_of(login), login, self._teller.now()):
            session.go(Step.CHALLENGE)
            self._teller.tell(session, "mfa", {"institutionId": login.institution_id})
        else:
            self.repaired(session, login)

    def answered(self, session: Session, login: Login, answer: str) -> None:
        """Take an answer to the bank; a wrong one is a failed attempt on every account of the login."""
        verdict = judge(session, answer)
        if verdict is None:
            self.repaired(session, login)
        elif verdict:
            for account in self._accounts(login):
                self._aggregator.record(account, WRONG_ANSWER, self._teller.now())

    def repaired(self, session: Session, login: Login) -> None:
        """Note that the login works again; the refresh follows when the visit ends."""
        at, bank = self._teller.now(), self._world.bank_of(login)
        self._clear(login)
        self._world.recognise(login, at)
        if bank.oauth:
            self._world.consent(login, at)
        name, payload = _told(bank, login, self._accounts(login))
        self._teller.tell(session, name, payload)
        self._teller.refresh_if_left(session, login)
        session.go(Step.FINISH)

    def _first_step(self, session: Session, bank: Institution) -> Step:
        if session.code == OK:
            return Step.NOTHING
        if not self._aggregator.is_fixable(session.code):
            return Step.TROUBLE
        if bank.oauth:
            return Step.OAUTH
        return Step.CHALLENGE if session.code in _ANSWERABLE else Step.CREDENTIALS

    def _standing(self, login: Login) -> int:
        """Give the code to repair: what a connection gives now, else a fixable one that an account stands at."""
        now = self._aggregator.login_outcome(login, self._teller.now())
        if now != OK:
            return now
        codes = [account.code or account.trouble or OK for account in self._accounts(login)]
        return next(filter(self._aggregator.is_fixable, codes), max(codes, default=OK))

    def _accepts(self, session: Session, login: Login, username: str, password: str) -> bool:
        if username != login.profile.username or not password:
            return False
        if session.code == PASSWORD_EXPIRED:
            return password != login.password
        return password == login.bank_password

    def _clear(self, login: Login) -> None:
        if self._aggregator.is_fixable(login.trouble):
            login.trouble = None
        for account in self._accounts(login):
            if self._aggregator.is_fixable(account.trouble):
                account.trouble = None

    def _accounts(self, login: Login) -> list[Account]:
        return list(self._world.of_login(login.id))


def judge(session: Session, answer: str) -> str | None:
    """Judge an answer: None when the bank is satisfied, else the problem; "" asks on without a mistake."""
    if not answer.strip():
        session.problem = "Please answer the question."
        return ""
    if answer.strip().lower() == ANSWER_AGAIN and session.challenge is Challenge.TEXT:
        session.go(Step.CHALLENGE)
        session.round += 1
        return ""
    if answer.strip().lower() == ANSWER_WRONG:
        session.mistake("The bank does not take this answer.")
        return session.problem
    return None


def _told(bank: Institution, login: Login, accounts: list[Account]) -> tuple[str, Mapping[str, Any]]:
    """Give the event of a repair: `added` at OAuth institutions, `credentialsUpdated` elsewhere (domain 4.1)."""
    if not bank.oauth:
        return "credentialsUpdated", {"institutionId": bank.id}
    records = [added_record(account, login) for account in accounts]
    return "added", {"institutionId": bank.id, "accounts": records, "oauth": True}
