"""The client of the Mastercard Open Finance API: within its limits, with errors that say what to do."""

from streams.vendor.client import Vendor
from streams.vendor.errors import (
    AggregationFailedError,
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    StaleLoginError,
    TryAgainError,
    VendorError,
)
from streams.vendor.gate import Gate, KafkaGate, MemoryGate
from streams.vendor.meters import VendorMeters
from streams.vendor.records import Authorization, FixRequest, Institution, Subscription
from streams.vendor.settings import VendorSettings

__all__ = [
    "AggregationFailedError",
    "Authorization",
    "FixRequest",
    "Gate",
    "GoneError",
    "Institution",
    "InvalidRequestError",
    "KafkaGate",
    "MemoryGate",
    "MisconfiguredError",
    "RefusedError",
    "StaleLoginError",
    "Subscription",
    "TryAgainError",
    "Vendor",
    "VendorError",
    "VendorMeters",
    "VendorSettings",
]
