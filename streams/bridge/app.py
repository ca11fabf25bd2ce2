"""The ASGI application: 200 means that every record of the body is in the log, anything else that it may not be."""

import asyncio
import hmac
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from schemas.audit import DeadLetterReason
from schemas.notifications import Reduction, XmlBody
from schemas.times import to_epoch_ms
from streams.bridge import answers
from streams.bridge.answers import Answer, Receive, Rejected, Scope, Send
from streams.bridge.bodies import SMALL_BYTES, Place, Room, read_body
from streams.bridge.checks import Keys, NoKeys, SignatureCheck
from streams.bridge.intake import Content, Intake, Topics, content_of, record_of, take
from streams.bridge.meters import BridgeMeters, Counts
from streams.bridge.notices import Notices
from streams.bridge.redeliveries import Redeliveries
from streams.bridge.services.callers import Caller
from streams.bridge.services.events import MAX_EVENT_BYTES, read_event
from streams.bridge.settings import BridgeSettings
from streams.bridge.sources.door import Door
from streams.bridge.trail import Trail
from streams.clock import Clock
from streams.kafka.log import Log, LogError, LogFull, LogRecord
from streams.observe.labels import Outcome, Route, SignatureResult
from streams.observe.logs.correlation import REQUEST_ID, correlation_id
from streams.places import place_of

log = logging.getLogger(__name__)

_ROUTES = {Route.TXPUSH.value.encode(): Route.TXPUSH, Route.CONNECT.value.encode(): Route.CONNECT}
_ALLOWED = {Route.TXPUSH: "GET, POST", Route.CONNECT: "POST", Route.EVENTS: "POST"}
EVENTS_PATH = b"/v1/events"
_NOWHERE = frozenset({Route.NONE, Route.UNKNOWN_TOKEN})
_MAYBE_UNKNOWN = frozenset({SignatureResult.NO_KEY, SignatureResult.WRONG})
"""Results that a key which has not been read yet could turn."""


class _Taken(NamedTuple):
    """What a body came to: records to be written, and what to count and to answer once they are."""

    records: Sequence[LogRecord]
    counts: Counts
    refused: Sequence[DeadLetterReason]
    answer: Answer
    correlation_id: str


class Bridge:
    """Answers `/{token}/txpush` and `/{token}/connect`; to anybody without the token there is nothing here.

    Services of the user's own post to `/v1/events`, which is there once some are named.
    """

    def __init__(
        self, settings: BridgeSettings, writer: Log, clock: Clock, meters: BridgeMeters, keys: Keys | None = None
    ) -> None:
        self._beside_turn = asyncio.Lock()
        self._settings = settings
        self._log = writer
        self._clock = clock
        self._meters = meters
        self._notices = Notices()
        self._redeliveries = Redeliveries()
        self._tokens = [token.encode() for token in settings.tokens]
        self._topics = Topics(settings.events_topic, settings.dead_letter_topic)
        self._keys = keys or NoKeys()
        self._check = SignatureCheck(settings.signing, self._keys, meters.fits)
        self._callers = settings.callers
        self._door = Door(settings.sources, settings.failures_per_minute)
        retry = (("retry-after", str(settings.retry_after_seconds)),)
        self._unavailable = Answer(503, Outcome.LOG_UNAVAILABLE, headers=retry)
        self._overloaded = Answer(503, Outcome.OVERLOADED, headers=retry)
        self._keys_unknown = Answer(503, Outcome.KEYS_UNKNOWN, headers=retry)
        self._room = Room(settings.max_held_bytes, self._overloaded)
        self._not_allowed = {
            route: Answer(405, Outcome.METHOD_NOT_ALLOWED, headers=(("allow", methods),))
            for route, methods in _ALLOWED.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        route, trail = self._route(scope), Trail(scope["headers"])
        of_request = REQUEST_ID.set(trail.request_id)
        answer = await self._answered(route, scope, receive, trail)
        self._meters.answered(route, answer.outcome)
        self._notices.answered(route, answer)
        self._door.answered(scope, answer.outcome)
        trail.tell(route, answer)
        REQUEST_ID.reset(of_request)
        await send(trail.start(answer))
        await send(answer.body)

    async def _answered(self, route: Route, scope: Scope, receive: Receive, trail: Trail) -> Answer:
        try:
            return self._door.refusal(route, scope) or await self._answer(route, scope, receive, trail)
        except Rejected as rejected:
            return rejected.answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the vendor shall send again
            _log_failure(error)
            return answers.FAILED

    def close(self) -> None:
        """Say what there still is to say, once no more requests come."""
        self._notices.close()

    def _route(self, scope: Scope) -> Route:
        """Give the route; a wrong token leads nowhere, and takes as long as a right one."""
        path = _path(scope)
        if path == EVENTS_PATH and self._callers:
            return Route.EVENTS
        _, _, rest = path.partition(b"/")
        given, _, name = rest.partition(b"/")
        known = [hmac.compare_digest(given, token) for token in self._tokens]
        if any(known) and name in _ROUTES:
            return _ROUTES[name]
        is_notification = scope["method"] == "POST" and _meant(path) is not None and self._door.may_notify(scope)
        return Route.UNKNOWN_TOKEN if is_notification else Route.NONE

    async def _answer(self, route: Route, scope: Scope, receive: Receive, trail: Trail) -> Answer:
        if route in _NOWHERE:
            self._tell_nowhere(_path(scope))
            return answers.NOT_FOUND
        if scope["method"] == "POST":
            with self._room.place() as place:
                take = self._post_event if route is Route.EVENTS else self._post
                return await take(route, scope, receive, place, trail)
        if scope["method"] == "GET" and route is Route.TXPUSH:
            return answers.verification(scope["query_string"])
        return self._not_allowed[route]

    def _tell_nowhere(self, path: bytes) -> None:
        """Say why there is nothing where somebody of ours, or the vendor, looked for something."""
        if path == EVENTS_PATH:
            self._notices.no_callers()
        elif (meant := _meant(path)) is not None:
            self._notices.wrong_token(meant)

    async def _post(self, route: Route, scope: Scope, receive: Receive, place: Place, trail: Trail) -> Answer:
        settings = self._settings
        body = await read_body(scope, receive, settings.max_body_bytes, settings.read_seconds, place)
        if not body:
            return answers.BAD_REQUEST
        taken = await self._take(route, scope, body)
        del body  # while it waits for Kafka, a request holds its records and little else
        if isinstance(taken, Answer):
            return taken
        trail.leads_to(taken.correlation_id, taken.records)
        if taken.records:
            if (failure := await self._write(taken.records)) is not None:
                return failure
            if self._redeliveries.stored(taken.correlation_id):
                self._meters.redelivered(route)
        self._meters.stored(taken.counts)
        self._notices.stored(route, taken.refused, self._topics.dead_letter, taken.correlation_id)
        return taken.answer

    async def _take(self, route: Route, scope: Scope, body: bytes) -> "Answer | _Taken":
        """Check a body and reduce it; give the answer to one that is refused."""
        content = content_of(body)
        refusal = self._refusal(route, scope, body, content)
        if refusal is not None:
            return refusal
        reduce = partial(take, route, body, self._clock.now(), self._topics, content)
        intake = reduce() if len(body) <= SMALL_BYTES else await self._beside(reduce)
        aside = answers.SET_ASIDE if intake.records else answers.NOT_STORED
        answer = answers.STORED if intake.reduction.events else aside
        reasons = tuple(refused.reason for refused in intake.reduction.refused)
        return _Taken(intake.records, self._meters.counts(route, intake), reasons, answer, intake.correlation_id)

    async def _beside(self, reduce: Callable[[], Intake]) -> Intake:
        """Reduce a large body beside the loop, which others have meanwhile; one at a time, as each takes its memory."""
        async with self._beside_turn:
            return await asyncio.to_thread(reduce)

    def _refusal(self, route: Route, scope: Scope, body: bytes, content: Content) -> Answer | None:
        """Check the signature; give the answer to a body that is not taken."""
        result = self._check.of(route, scope["headers"], body, content)
        self._meters.checked(route, result)
        if result is SignatureResult.GOOD or not self._settings.signing.enforce:
            return None
        if isinstance(content, XmlBody):
            self._meters.xml_bodies.inc()
        if route is Route.TXPUSH and result in _MAYBE_UNKNOWN and not self._keys.is_current():
            return self._keys_unknown
        self._notices.unsigned(route, result)
        return answers.NO_KEY if result is SignatureResult.NO_KEY else answers.UNSIGNED

    async def _write(self, records: Sequence[LogRecord]) -> Answer | None:
        """Have records in the log; give the answer where they are not known to be there."""
        started = time.perf_counter()
        try:
            await self._log.send_all(records, self._settings.ack_deadline_seconds)
        except LogError as error:
            return self._overloaded if isinstance(error, LogFull) else self._unavailable
        self._meters.acknowledged(time.perf_counter() - started)
        return None

    async def _post_event(self, _route: Route, scope: Scope, receive: Receive, place: Place, trail: Trail) -> Answer:
        """Take an event of a service of the user's own."""
        headers = self._callers.once(scope["headers"])
        caller: Caller = self._callers.named_in(headers)
        limit = min(MAX_EVENT_BYTES, self._settings.max_body_bytes)
        body = await read_body(scope, receive, limit, self._settings.read_seconds, place)
        event = read_event(caller, headers.get(b"content-type", b""), body, self._clock.now())
        record = record_of(event, to_epoch_ms(event.time), self._topics.events)
        trail.leads_to(correlation_id(event.id), [record])
        if (failure := await self._write([record])) is not None:
            return failure
        self._meters.stored(self._meters.counts(Route.EVENTS, Intake([record], Reduction(events=[event]))))
        return answers.STORED


def _meant(path: bytes) -> Route | None:
    """Give the route of the vendor's that an address ends with, whatever stands in the token's place."""
    return _ROUTES.get(path.rpartition(b"/")[2])


def _path(scope: Scope) -> bytes:
    """Give the path as it came: what a proxy in front was asked for, whatever escapes would make of it here."""
    raw: bytes | None = scope.get("raw_path")
    return str(scope["path"]).encode(errors="replace") if raw is None else raw


def _log_failure(error: Exception) -> None:
    """Say what failed and where, without the message: it may quote the body."""
    log.error("a request failed: %s", place_of(error))
