"""The vendor: whether it answers, and how our credentials stand; they are shown to it only if that is asked for."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx
from aiokafka.errors import UnknownTopicOrPartitionError
from prometheus_client import CollectorRegistry

from schemas.times import rfc3339, to_epoch_ms
from streams.clock import WallClock
from streams.doctor.checks.processes import NO_ANSWER
from streams.doctor.findings import Finding, left_out, ok, warning, wrong
from streams.doctor.scope import CALLERS, Scope
from streams.kafka.access import Access
from streams.kafka.acls.cluster import OPERATIONS
from streams.kafka.acls.rights import Operation
from streams.kafka.identity import described
from streams.kafka.topics import VENDOR_AUTH
from streams.observe.metrics import Instruments
from streams.settings import SettingsError
from streams.vendor import Gate, KafkaGate, RefusedError, Vendor, VendorError, VendorMeters, VendorSettings
from streams.vendor.gate import pair_of
from streams.vendor.gate.standing import Standing

ANSWER_SECONDS = 8.0
WHO = "doctor"
SERVER_ERROR = 500
RESET = "set TXPUSH_APP_KEY, TXPUSH_PARTNER_ID and TXPUSH_PARTNER_SECRETS right, or see `txpush vendor reset --help`"


def is_called_here(scope: Scope) -> bool:
    """Tell whether the vendor is called from this environment: by a chosen component, or as it has credentials."""
    if scope.components:
        return scope.concerns(*CALLERS)
    return scope.settings.app_key is not None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of whoever stands at TXPUSH_VENDOR_URL.

    Attributes:
        status: of HTTP.
        ahead_seconds: how far its clock is ahead of ours, behind where negative; None where it tells no time.
        within_seconds: how far off that may be.
    """

    status: int
    ahead_seconds: float | None
    within_seconds: float


async def answered(scope: Scope) -> Answered | str:
    """Ask for the root of the vendor's address, without a key, a token or a secret; in words why nobody answers."""
    url = scope.settings.vendor_url
    began, began_at = WallClock().now().timestamp(), time.monotonic()
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            httpx.AsyncClient(timeout=ANSWER_SECONDS) as client,
            client.stream("GET", url) as answer,
        ):
            status, date = answer.status_code, answer.headers.get("date")
    except NO_ANSWER as error:
        return str(error) or type(error).__name__
    took = time.monotonic() - began_at
    ahead = None if (told := _time_of(date)) is None else told + 0.5 - (began + took / 2)
    return Answered(status, ahead, 0.5 + took / 2)  # a date has whole seconds, and was written some time on the way


def _time_of(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


async def reachable(scope: Scope) -> Sequence[Finding]:
    """Say whether anybody answers at the vendor's address."""
    if not is_called_here(scope):
        return [
            left_out(
                "nobody calls the vendor from here: TXPUSH_APP_KEY is not set",
                "nothing, or name with --component who is to call it from here",
            )
        ]
    url, found = scope.settings.vendor_url, await scope.once(answered)
    if isinstance(found, str):
        return [wrong(f"nobody answers at {url}: {found}", "see TXPUSH_VENDOR_URL, and the way out of this network")]
    if found.status >= SERVER_ERROR:
        return [warning(f"{url} answers with HTTP {found.status}", "see the vendor's status page; ask again later")]
    return [ok(f"{url} answers (HTTP {found.status} to a call without credentials)")]


async def credentials(scope: Scope) -> Sequence[Finding]:
    """Say what the gate knows of our credentials; with --authenticate have them tried, as our processes do."""
    try:
        vendor = VendorSettings.of(scope.settings)
    except SettingsError as error:
        return [left_out("; ".join(str(error).splitlines()), "set them where the vendor is called")]
    if not await _may_read(scope.access, VENDOR_AUTH):
        return [left_out(f"no right to read {VENDOR_AUTH}", "ask as an operator, or as who calls the vendor")]
    pair = await asyncio.to_thread(pair_of, vendor.url, vendor.app_key, vendor.partner_id, vendor.partner_secret)
    async with KafkaGate(scope.access, WHO) as gate:
        await gate.caught_up()
        if scope.authenticate:
            return [await _tried(vendor, gate)]
        return [_standing(gate.pairs().get(pair), to_epoch_ms(WallClock().now()))]


async def _may_read(access: Access, topic: str) -> bool:
    """Tell whether this user may read a topic; one that is missing is told elsewhere."""
    (found,) = (await described(access, [topic])).topics
    if found.error:
        return bool(found.error == UnknownTopicOrPartitionError.errno)
    return bool(found.rights >> OPERATIONS[Operation.READ] & 1)


async def _tried(settings: VendorSettings, gate: Gate) -> Finding:
    meters = VendorMeters(Instruments("vendor", CollectorRegistry()))
    try:
        async with Vendor(settings, gate, WallClock(), meters) as vendor:
            await vendor.authenticate()
    except RefusedError as error:
        return wrong(str(error), RESET)
    except VendorError as error:
        return warning(f"no token was given: {error}", "ask again later; `txpush vendor show` says what is known")
    return ok("the vendor has given a token for them just now")


def _standing(standing: Standing | None, now_ms: int) -> Finding:
    """Say how a pair stands."""
    if standing is None or standing == Standing():
        return ok("never tried yet; --authenticate has them tried once, through the gate")
    if (why := standing.closed(now_ms)) is not None:
        return wrong(f"not tried any more: {why}", RESET)
    if standing.accepted is None:
        return warning("tried, and never accepted yet", f"see `txpush vendor show`; {VENDOR_AUTH} has every attempt")
    return ok(f"accepted, the last time {rfc3339(standing.accepted.at)}")
