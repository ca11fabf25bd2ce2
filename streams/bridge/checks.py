"""Whether the vendor signed a body, as far as the bridge can tell: which keys may have, and what it came to."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Protocol

from schemas.notifications import UnreadableBody
from schemas.vendor import identifier
from streams.bridge.intake import Content
from streams.observe.labels import Route, SignatureResult
from streams.signatures import (
    CONNECT_HEADER,
    TXPUSH_HEADERS,
    Strategy,
    is_connect_signature,
    is_txpush_signature,
    signing_string,
)
from streams.subscriptions.view import KeysOf

log = logging.getLogger(__name__)

MAX_ACCOUNTS = 16
"""Accounts of one body whose keys are tried; it is one in every sample, and a body may be large."""

MAX_SIGNATURES = 4
"""Signatures of one request that are tried: more than a sender with two keys has."""

Headers = Sequence[tuple[bytes, bytes]]

_CONNECT = CONNECT_HEADER.encode()
_TXPUSH = tuple(name.encode() for name in TXPUSH_HEADERS)


class Keys(Protocol):
    """Where signing keys come from."""

    def of(self, account_id: str) -> KeysOf | None:
        """Give the keys of an account."""

    def is_current(self) -> bool:
        """Tell whether a key that is not known can be said not to be there."""


class NoKeys:
    """No keys at all: nothing is signed with one that is known."""

    def of(self, account_id: str) -> KeysOf | None:
        """Give none."""
        del account_id
        return None

    def is_current(self) -> bool:
        """There is nothing to wait for."""
        return True


@dataclass(frozen=True, slots=True)
class Signing:
    """How bodies are checked.

    Attributes:
        enforce: refuse what is not signed; else only count it.
        strategy: the form of TxPUSH signatures.
        host: the public host, with the port where it is not the scheme's own: part of what TxPUSH signs.
        partner_secrets: the keys of Data Connect signatures, two while one is replaced.
        sealing_keys: open the records of signing keys.
    """

    enforce: bool = True
    strategy: Strategy = Strategy.CONCAT_HEX
    host: str | None = None
    partner_secrets: tuple[str, ...] = field(default=(), repr=False)
    sealing_keys: tuple[str, ...] = field(default=(), repr=False)

    def problems(self) -> list[str]:
        """Say what is missing to refuse what is not signed; mode log takes whatever there is."""
        needed = {
            "TXPUSH_PUBLIC_URL": self.host,
            "TXPUSH_PARTNER_SECRETS": self.partner_secrets,
            "TXPUSH_SEALING_KEYS": self.sealing_keys,
        }
        return [
            f"{name}: needed to check signatures, unless TXPUSH_SIGNATURES=log"
            for name, value in needed.items()
            if self.enforce and not value
        ]


class SignatureCheck:
    """Checks bodies of both kinds; `found` is told of another strategy that fits, in mode log."""

    def __init__(self, signing: Signing, keys: Keys, found: Callable[[Strategy], None]) -> None:
        self._strategy = signing.strategy
        self._others = () if signing.enforce else tuple(one for one in Strategy if one is not signing.strategy)
        self._host = (signing.host or "").encode()
        self._secrets = [secret.encode() for secret in signing.partner_secrets]
        self._keys = keys
        self._found = found
        self._told: set[Strategy] = set()

    def of(self, route: Route, headers: Headers, body: bytes, content: Content) -> SignatureResult:
        """Check a body against the keys that may have signed it.

        Args:
            route: whose scheme it should be.
            headers: of the request, names in lower case.
            body: as it came; this is what was signed.
            content: the body, read; not to be trusted, and only asked whose keys to try.
        """
        signatures = _given(headers, (_CONNECT,) if route is Route.CONNECT else _TXPUSH)
        if not signatures:
            return SignatureResult.MISSING
        if len(signatures) > MAX_SIGNATURES:
            return SignatureResult.WRONG
        if route is Route.CONNECT:
            return self._connect(signatures, body)
        return self._txpush(signatures, _given(headers, (b"content-type",)), body, content)

    def _connect(self, signatures: Sequence[bytes], body: bytes) -> SignatureResult:
        if not self._secrets:
            return SignatureResult.NO_KEY
        fits = any(is_connect_signature(signature, self._secrets, body) for signature in signatures)
        return SignatureResult.GOOD if fits else SignatureResult.WRONG

    def _txpush(
        self, signatures: Sequence[bytes], content_types: Sequence[bytes], body: bytes, content: Content
    ) -> SignatureResult:
        if isinstance(content, UnreadableBody):
            return SignatureResult.UNREADABLE
        keys = self._keys_for(content)
        if not keys:
            return SignatureResult.NO_KEY
        if len(content_types) > 1:
            return SignatureResult.WRONG
        signed = b"".join(content_types), body
        if self._fits(self._strategy, signatures, keys, *signed):
            return SignatureResult.GOOD
        for other in self._others:
            if self._fits(other, signatures, keys, *signed):
                self._tell(other)
        return SignatureResult.WRONG

    def _fits(
        self,
        strategy: Strategy,
        signatures: Iterable[bytes],
        keys: Iterable[Sequence[bytes]],
        content_type: bytes,
        body: bytes,
    ) -> bool:
        """Try the keys of one account after the other: which of them fits is no secret."""
        signed = signing_string(strategy, content_type, self._host, body)
        return any(
            is_txpush_signature(strategy, signature, of_account, signed)
            for of_account, signature in product(keys, signatures)
        )

    def _keys_for(self, content: Mapping[str, Any]) -> list[tuple[bytes, ...]]:
        """Give the keys that may have signed a body: those of each account that it names.

        A key speaks for the customer that it was given for: where records are of two customers, or of another, there is
        none.
        """
        class_name, customers, accounts = _named(content)
        if len(customers) > 1:
            return []
        known = [keys for account in accounts if (keys := self._keys.of(account)) is not None]
        found = [keys.of_class(class_name) for keys in known if not customers or keys.customer_id in customers]
        return [keys for keys in found if keys]

    def _tell(self, strategy: Strategy) -> None:
        self._found(strategy)
        if strategy not in self._told:
            self._told.add(strategy)
            log.warning(
                "TxPUSH signatures fit %s, not %s: set TXPUSH_SIGNATURE_STRATEGY=%s", strategy, self._strategy, strategy
            )


def _given(headers: Headers, names: tuple[bytes, ...]) -> list[bytes]:
    """Give the values of headers, each that is not empty: a sender with two keys may show a signature of either."""
    return [value for name, value in headers if name in names and value]


def _named(content: Mapping[str, Any]) -> tuple[str, set[str], list[str]]:
    """Give the class of a TxPUSH body, the customers of all its records, and the first of their accounts."""
    event = content.get("event")
    if not isinstance(event, dict) or not isinstance(event.get("records"), list):
        return "", set(), []
    class_name = str(event.get("class"))
    id_field = "accountId" if class_name == "transaction" else "id"
    records = [record for record in event["records"] if isinstance(record, dict)]
    customers = {identifier(record.get("customerId")) for record in records}
    accounts = dict.fromkeys(identifier(record.get(id_field)) for record in records)
    named = [account for account in accounts if account is not None]
    return class_name, {customer for customer in customers if customer is not None}, named[:MAX_ACCOUNTS]
