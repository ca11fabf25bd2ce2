"""The partner's account at the vendor: authentication with its lock-out, tokens, and a change of the secret."""

import hmac
import re
from collections import OrderedDict
from datetime import UTC, datetime, timedelta

from streams.sandbox.books.errors import PlainRefusal, Refusal, invalid
from streams.sandbox.seed import Seed

TOKEN_HOURS = 2
MAX_FAILURES = 5
MAX_TOKENS = 1000
GRACE_DAYS = 30
FOREVER = datetime.max.replace(tzinfo=UTC)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
_SECRET = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9!@#$%&*_+-]{12,255}")


class Partner:
    """One partner; five failed attempts in a row lock it until somebody unlocks it (domain 3.1)."""

    def __init__(self, partner_id: str, secret: str, app_key: str, seed: Seed) -> None:
        self.id = partner_id
        self.attempts = 0
        self.failures = 0
        self._secrets = [(secret, FOREVER)]
        self._app_key = app_key
        self._seed = seed
        self._tokens: OrderedDict[str, datetime] = OrderedDict()

    @property
    def is_locked(self) -> bool:
        """Say whether the vendor answers 24302."""
        return self.failures >= MAX_FAILURES

    @property
    def secret(self) -> str:
        """Give the secret that signs Data Connect webhooks."""
        return self._secrets[0][0]

    def unlock(self) -> None:
        """Do what the vendor's support does."""
        self.failures = 0

    def check_key(self, key: str | None) -> None:
        """Refuse a missing or wrong application key; it counts as no attempt."""
        if key is None:
            raise Refusal(401, "10026", "Missing parameter (Finicity-App-Key)")
        if not _same(key, self._app_key):
            raise PlainRefusal(401, "10027", "Invalid (Finicity-App-Key)")

    def check_token(self, token: str | None, at: datetime) -> None:
        """Refuse a missing, unknown or expired token."""
        if token is None:
            raise Refusal(401, "10024", "Missing parameter (Finicity-App-Token)")
        expires_at = self._tokens.get(token)
        if expires_at is None:
            raise Refusal(401, "10022", "Invalid (Finicity-App-Token)")
        if at >= expires_at:
            raise Refusal(401, "10023", "Expired (Finicity-App-Token)")

    def authenticate(self, partner_id: str, secret: str, at: datetime) -> str:
        """Give a new token, valid for two hours."""
        self.attempts += 1
        if self.is_locked:
            raise Refusal(401, "24302", "Bad credentials")
        known = [_same(secret, one) for one, until in self._secrets if at < until]
        if not _same(partner_id, self.id) or not any(known):
            self.failures += 1
            raise Refusal(401, "10001", "Invalid credentials")
        self.failures = 0
        token = self._seed.text(20, "token", self.attempts)
        self._tokens[token] = at + timedelta(hours=TOKEN_HOURS)
        if len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return token

    def change_secret(self, partner_id: str, secret: str, new: str, at: datetime, *, immediate: bool) -> None:
        """Take a new secret; the old one still opens for 30 days where `immediate` is false."""
        self.authenticate(partner_id, secret, at)
        if not _SECRET.fullmatch(new):
            raise invalid("newPartnerSecret needs 12 to 255 characters, a letter and a digit among them")
        grace = timedelta(0) if immediate else timedelta(days=GRACE_DAYS)
        self._secrets = [(new, FOREVER), (self.secret, at + grace)]

    def expire_tokens(self) -> None:
        """Have every token count as expired."""
        self._tokens = OrderedDict.fromkeys(self._tokens, LONG_AGO)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())
