"""A stand-in for the vendor's API, good enough to develop against: API, hosted page, webhooks, nights, and faults."""

from streams.sandbox.books.profiles import Opening
from streams.sandbox.controls import Controls, Truth
from streams.sandbox.delivery.faults import Fault, FaultName
from streams.sandbox.sandbox import Sandbox
from streams.sandbox.settings import SandboxSettings

__all__ = ["Controls", "Fault", "FaultName", "Opening", "Sandbox", "SandboxSettings", "Truth"]
