"""The records of all subscriptions for those who change them: read once, written through, durable on return."""

import asyncio
import contextlib
from functools import partial
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from schemas.health import AccountHealth, Phase
from streams.kafka.access import Bootstrap, client_arguments
from streams.kafka.refusals import in_words
from streams.kafka.topics import HEALTH, SUBSCRIPTIONS
from streams.kafka.view import TopicView, ViewRecord
from streams.subscriptions.held import Account, Held
from streams.subscriptions.run import Done
from streams.subscriptions.sealing import Sealing

START_SECONDS = 15.0
READ_SECONDS = 120.0
WRITE_SECONDS = 20.0
STOP_SECONDS = 5.0
CLIENT_ID = "txpush-subscriptions"


class Book:
    """Which accounts are subscribed; an async context manager that has read everything once it is entered.

    One program at a time should change the topic: of two that subscribe the same account at once, the keys of one are
    lost. Entering and every writing call raise KafkaError, OSError or TimeoutError where Kafka does not answer.

    Args:
        bootstrap: Kafka's addresses.
        sealing: opens and seals what is held; who only asks for names and ends needs none.
    """

    def __init__(self, bootstrap: Bootstrap, sealing: Sealing | None = None, topic: str = SUBSCRIPTIONS) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._sealing = sealing or Sealing(())
        self._values: dict[Account, bytes] = {}
        self._view = TopicView(bootstrap, [topic], self._hear, client_id=CLIENT_ID)
        self._producer: Any = AIOKafkaProducer(
            **client_arguments(bootstrap),
            client_id=CLIENT_ID,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            request_timeout_ms=int(START_SECONDS * 1000),
        )

    async def __aenter__(self) -> Self:
        """Connect and read everything."""
        try:
            async with in_words(self._bootstrap), asyncio.timeout(START_SECONDS):
                await self._producer.start()
                await self._producer.partitions_for(self._topic)
            await self._view.start()
            await self._view.settled(READ_SECONDS)
        except UnknownTopicOrPartitionError:
            await self._close()
            raise KafkaError(f"topic {self._topic} is missing: run `txpush topics apply`") from None
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._close()

    def accounts(self, customer_id: str | None = None) -> list[Account]:
        """Give the accounts that have a record, of one customer or of all, in order."""
        return sorted(account for account in self._values if customer_id in (None, account.customer_id))

    def held(self, account: Account) -> Held | None:
        """Give what is held of an account.

        Raises:
            UnopenedError: it cannot be opened.
        """
        value = self._values.get(account)
        return None if value is None else self._sealing.open(account.key, value)

    async def keep(self, account: Account, held: Held) -> None:
        """Write what is held of an account."""
        await self._write(account, self._sealing.seal(account.key, held))

    async def drop(self, account: Account) -> None:
        """Write that nothing is held of an account any more."""
        if account in self._values:
            await self._write(account, None)

    async def reseal(self, account: Account) -> Done:
        """Seal with the first key what was sealed with another.

        Raises:
            UnopenedError: it cannot be opened.
        """
        value = self._values[account]
        sealed = self._sealing.seal(account.key, self._sealing.open(account.key, value))
        if sealed == value:
            return Done.ALREADY
        await self._write(account, sealed)
        return Done.DONE

    async def _write(self, account: Account, value: bytes | None) -> None:
        async with asyncio.timeout(WRITE_SECONDS):
            await self._producer.send_and_wait(self._topic, value, key=account.key)
        self._take(account, value)

    def _hear(self, record: ViewRecord) -> None:
        with contextlib.suppress(ValueError):  # what is no account is nobody's to change
            self._take(Account.of(record.key or b""), record.value)

    def _take(self, account: Account, value: bytes | None) -> None:
        if value is None:
            self._values.pop(account, None)
        else:
            self._values[account] = value

    async def _close(self) -> None:
        for close in (self._view.stop, self._producer.stop):
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(close(), STOP_SECONDS)


async def known_accounts(bootstrap: Bootstrap) -> list[Account]:
    """Give all accounts of `account.health` that are not deleted, in order.

    Raises:
        TimeoutError: Kafka does not answer.
    """
    found: set[Account] = set()
    view = TopicView(bootstrap, [HEALTH], partial(_hear_health, found), client_id=CLIENT_ID)
    await view.start()
    try:
        await view.settled(READ_SECONDS)
    finally:
        await view.stop()
    return sorted(found)


def _hear_health(found: set[Account], record: ViewRecord) -> None:
    """Take a record of `account.health` among the accounts that are not deleted."""
    with contextlib.suppress(ValueError):  # a record of a later release is not ours to judge
        account = Account.of(record.key or b"")
        found.discard(account)
        if record.value is not None and AccountHealth.model_validate_json(record.value).phase is not Phase.DELETED:
            found.add(account)
