"""What `account.health` says of every account, small enough to hold a million, and kept up while the sweep goes on."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from schemas.health import Phase
from schemas.state.record import Moment
from streams.kafka.view import RecordRefusedError, ViewRecord

Code = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
"""A status code, as far as one can be in an event."""


class Known(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An account as it is known; times aware UTC. One that is deleted was heard of last when it was."""

    account_id: str
    institution_id: str | None
    login_id: str | None
    code: Code | None
    attempted_at: Moment | None
    heard_at: Moment
    is_deleted: bool


class _Health(msgspec.Struct, frozen=True, gc=False):
    """The fields of `schemas.health.AccountHealth` that are compared; a phase of a later release is none of ours."""

    customer_id: str
    account_id: str
    institution_id: str | None
    institution_login_id: str | None
    phase: str
    code: Code | None
    attempted_at: Moment | None
    heard_at: Moment


_read_health = msgspec.json.Decoder(_Health).decode
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[Known, ...]).decode


class Book:
    """The accounts by customer; those of one customer are packed into one object of bytes."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}
        self._accounts = 0

    def __len__(self) -> int:
        """Give how many accounts are known, deleted ones included."""
        return self._accounts

    def hear(self, record: ViewRecord) -> None:
        """Take a record of `account.health`; a tombstone forgets the account (R18).

        Raises:
            RecordRefusedError: the record is not one of this release: what it says is not known.
        """
        try:
            self._take(record)
        except ValueError as error:
            place = f"{record.topic}/{record.partition}/{record.offset}"
            raise RecordRefusedError(f"{place} is not of this release: {error}") from None

    def _take(self, record: ViewRecord) -> None:
        customer_id, _, account_id = (record.key or b"").decode().partition("/")
        if not account_id:
            raise ValueError("the key is none of an account")
        before = self._known(customer_id)
        now = [one for one in before if one.account_id != account_id]
        if record.value is not None:
            health = _read(record.value)
            if (health.customer_id, health.account_id) != (customer_id, account_id):
                raise ValueError("it is under another's key")
            now.append(_known(health))
        self._accounts += len(now) - len(before)
        if now:
            self._packed[customer_id] = _pack(now)
        else:
            self._packed.pop(customer_id, None)

    def customers(self) -> Iterable[str]:
        """Give the customers of whom an account is known."""
        return self._packed.keys()

    def has(self, customer_id: str) -> bool:
        """Say whether an account of a customer is known."""
        return customer_id in self._packed

    def known(self, customer_id: str) -> Mapping[str, Known]:
        """Give the accounts of a customer by account id, as they are known now."""
        return {one.account_id: one for one in self._known(customer_id)}

    def institutions_of(self, customer_id: str) -> frozenset[str]:
        """Give the institutions at which a customer has accounts, deleted ones apart."""
        known = self._known(customer_id)
        return frozenset(one.institution_id for one in known if one.institution_id and not one.is_deleted)

    def _known(self, customer_id: str) -> tuple[Known, ...]:
        packed = self._packed.get(customer_id)
        return () if packed is None else _unpack(packed)


def _read(value: bytes) -> _Health:
    try:
        return _read_health(value)
    except RecursionError:
        raise ValueError("it is nested without end") from None


def _known(health: _Health) -> Known:
    return Known(
        health.account_id,
        health.institution_id,
        health.institution_login_id,
        health.code,
        health.attempted_at,
        health.heard_at,
        health.phase == Phase.DELETED,
    )
