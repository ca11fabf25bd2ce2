"""The vendor's client for a command that ends, and the end of a customer's subscriptions with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from streams.kafka.access import Access
from streams.kafka.present import clock_of
from streams.observe.metrics import Instruments
from streams.settings import Settings
from streams.subscriptions.book import Book
from streams.subscriptions.run import Report, Subscriber, each
from streams.vendor import KafkaGate, Vendor, VendorMeters, VendorSettings


@asynccontextmanager
async def vendor_of(settings: Settings) -> AsyncIterator[Vendor]:
    """Give an open client, behind the same gate as every other process of the cluster.

    Raises:
        SettingsError: the account at the vendor is not named.
    """
    meters = VendorMeters(Instruments("vendor", CollectorRegistry()))
    gate = KafkaGate(Access.of(settings))
    async with gate, Vendor(VendorSettings.of(settings), gate, clock_of(settings), meters) as vendor:
        yield vendor


async def end_subscriptions(settings: Settings, customer_id: str) -> Report:
    """End all subscriptions of a customer and forget their keys; the vendor is asked only where there are some.

    Raises:
        SettingsError: there are some, and the account at the vendor is not named.
        KafkaError, OSError, TimeoutError: Kafka does not answer.
    """
    async with Book(Access.of(settings)) as book:
        accounts = book.accounts(customer_id)
        if not accounts:
            return Report()
        async with vendor_of(settings) as vendor:
            return await each(accounts, Subscriber(vendor, book, "", clock_of(settings)).unsubscribe)
