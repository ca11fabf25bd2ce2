"""The ASGI application: 200 means that every record of the body is in the log, anything else that it may not be."""

import hmac
import logging
import time
import traceback

from streams.bridge import answers
from streams.bridge.answers import Answer, Receive, Rejected, Scope, Send
from streams.bridge.intake import Topics, take
from streams.bridge.meters import BridgeMeters
from streams.bridge.settings import BridgeSettings
from streams.clock import Clock
from streams.kafka.log import Log, LogError, LogFull
from streams.observe.labels import Outcome, Route

log = logging.getLogger(__name__)

_ROUTES = {Route.TXPUSH.value: Route.TXPUSH, Route.CONNECT.value: Route.CONNECT}
_ALLOWED = {Route.TXPUSH: "GET, POST", Route.CONNECT: "POST"}


class Bridge:
    """Answers `/{token}/txpush` and `/{token}/connect`; to anybody without the token there is nothing here."""

    def __init__(self, settings: BridgeSettings, writer: Log, clock: Clock, meters: BridgeMeters) -> None:
        self._settings = settings
        self._log = writer
        self._clock = clock
        self._meters = meters
        self._tokens = [token.encode() for token in settings.tokens]
        self._topics = Topics(settings.events_topic, settings.dead_letter_topic)
        retry = (("retry-after", str(settings.retry_after_seconds)),)
        self._unavailable = Answer(503, Outcome.LOG_UNAVAILABLE, headers=retry)
        self._overloaded = Answer(503, Outcome.OVERLOADED, headers=retry)
        self._not_allowed = {
            route: Answer(405, Outcome.METHOD_NOT_ALLOWED, headers=(("allow", methods),))
            for route, methods in _ALLOWED.items()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        route = self._route(scope["path"])
        try:
            answer = await self._answer(route, scope, receive)
        except Rejected as rejected:
            answer = rejected.answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the vendor shall send again
            _log_failure(error)
            answer = answers.FAILED
        self._meters.answered(route, answer.outcome)
        await send(answer.start)
        await send(answer.body)

    def _route(self, path: str) -> Route:
        """Give the route; a wrong token is no route, and takes as long as a right one."""
        _, _, rest = path.partition("/")
        given, _, name = rest.partition("/")
        candidate = given.encode(errors="replace")
        known = [hmac.compare_digest(candidate, token) for token in self._tokens]
        return _ROUTES.get(name, Route.NONE) if any(known) else Route.NONE

    async def _answer(self, route: Route, scope: Scope, receive: Receive) -> Answer:
        if route is Route.NONE:
            return answers.NOT_FOUND
        if scope["method"] == "POST":
            return await self._post(route, scope, receive)
        if scope["method"] == "GET" and route is Route.TXPUSH:
            return answers.verification(scope["query_string"])
        return self._not_allowed[route]

    async def _post(self, route: Route, scope: Scope, receive: Receive) -> Answer:
        settings = self._settings
        body = await answers.read_body(scope, receive, settings.max_body_bytes, settings.read_seconds)
        if not body:
            return answers.BAD_REQUEST
        intake = take(route, body, self._clock.now(), self._topics)
        if intake.records:
            started = time.perf_counter()
            try:
                await self._log.send_all(intake.records, settings.ack_deadline_seconds)
            except LogError as error:
                return self._overloaded if isinstance(error, LogFull) else self._unavailable
            self._meters.ack_seconds.observe(time.perf_counter() - started)
        self._meters.stored(route, intake)
        if intake.reduction.events:
            return answers.STORED
        return answers.SET_ASIDE if intake.records else answers.NOT_STORED


def _log_failure(error: Exception) -> None:
    """Say what failed and where, without the message: it may quote the body."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    log.error("a request failed: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
