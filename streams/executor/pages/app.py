"""The customer's link over HTTP: GET shows and does nothing, POST leads to the vendor."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeGuard

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streams.clock import Clock
from streams.executor.fixing.limits import TooOftenError
from streams.executor.fixing.rechecks import Rechecks
from streams.executor.fixing.sessions import Click, Session, Sessions
from streams.executor.fixing.standing import ClosedCommand, Commands, Ending, OpenCommand
from streams.executor.meters import ExecutorMeters
from streams.executor.pages import answers, refusals
from streams.executor.pages.answers import Answer
from streams.executor.pages.html import headers
from streams.executor.pages.language import Language, language_of
from streams.executor.settings import ExecutorSettings
from streams.kafka.log import LogError
from streams.links import PATH, LinkError
from streams.places import place_of
from streams.vendor.errors import VendorError

log = logging.getLogger(__name__)

DONE = "/done"
ALLOWED = "GET, HEAD, POST"

Answering = Callable[[Request], Awaitable[Answer]]


class View(Protocol):
    """What follows the command topics."""

    async def settled(self, deadline_seconds: float) -> None:
        """Return once everything has been read that was committed when this was called; raises TimeoutError."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are served with."""

    settings: ExecutorSettings
    commands: Commands
    view: View
    sessions: Sessions
    rechecks: Rechecks
    clock: Clock
    meters: ExecutorMeters


class FixPages:
    """Answers `/fix/{token}` and `/fix/{token}/done`; neither a log nor a metric hears of a token."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._links = parts.settings.links
        self._headers = headers(parts.settings.vendor_url)

    def application(self) -> Starlette:
        """Give the ASGI application."""
        link = PATH + "{token}"
        application = Starlette(
            routes=[
                Route(link, self._endpoint(self._show), methods=["GET"]),
                Route(link + DONE, self._endpoint(self._return), methods=["GET"]),
                Route(link, self._endpoint(self._press), methods=["POST"]),
                Route(link + DONE, self._endpoint(self._press), methods=["POST"]),
            ],
            exception_handlers={404: self._nothing_here, 405: self._not_allowed},
        )
        application.router.redirect_slashes = False  # a redirect of its own would lack our headers
        return application

    def _endpoint(self, answering: Answering) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                answer = await answering(request)
            except Exception as error:  # noqa: BLE001 - whatever it is, the customer gets a page
                _log_failure(error)
                answer = answers.FAILED
            return self._respond(request, answer)

        return endpoint

    def _respond(self, request: Request, answer: Answer) -> Response:
        self._parts.meters.answered(answer.outcome)
        return answer.response(_language(request), self._headers)

    async def _nothing_here(self, request: Request, _error: Exception) -> Response:
        return self._respond(request, answers.NOTHING_HERE)

    async def _not_allowed(self, _request: Request, _error: Exception) -> Response:
        self._parts.meters.answered(answers.NOTHING_HERE.outcome)
        return Response(status_code=405, headers=self._headers | {"allow": ALLOWED})

    # -- what is answered

    async def _show(self, request: Request) -> Answer:
        """Show the button, or why there is none as far as is known; nothing is made, asked or waited for."""
        try:
            command_id = self._command_id(request)
        except LinkError as error:
            return answers.of_link_error(error)
        command = self._parts.commands.find(command_id)
        return answers.of_closed(command) if isinstance(command, ClosedCommand) else answers.SHOWN

    async def _press(self, request: Request) -> Answer:
        """Lead to the vendor if the command is open by all that is committed at this moment."""
        try:
            command_id = self._command_id(request)
            await self._parts.view.settled(self._parts.settings.link.settle_seconds)
        except LinkError as error:
            return answers.of_link_error(error)
        except TimeoutError:
            return answers.VIEW_LAGS
        command = self._parts.commands.find(command_id)
        if command is None:
            return answers.UNKNOWN
        if isinstance(command, ClosedCommand):
            return answers.of_closed(command)
        language = _language(request)
        return_url = self._links.address(request.path_params["token"], DONE)
        return await self._led_on(
            Click(command_id, command, return_url, None if language is Language.ENGLISH else language.value)
        )

    async def _led_on(self, click: Click) -> Answer:
        try:
            session = await self._parts.sessions.session(click)
        except TooOftenError as error:
            return answers.of_limit(error)
        except TimeoutError:
            return answers.VENDOR_SLOW
        except VendorError as error:
            if line := refusals.line_of(error):
                log.error(line, _place(click.command.institution_id), error)  # noqa: TRY400 - no trace
            return refusals.answer_to(error)
        except LogError as error:
            log.error("the log cannot be told of a login that has moved: %s", error)  # noqa: TRY400
            return answers.FAILED
        now = self._parts.commands.find(click.command_id)  # it may have ended while the vendor was asked
        return answers.of_closed(now) if _has_ended(now, session) else answers.redirect(session.url)

    async def _return(self, request: Request) -> Answer:
        """Thank a customer whom the vendor leads back, or offer the button once more."""
        try:
            command_id = self._command_id(request)
        except LinkError as error:
            expired = answers.of_link_error(error) is answers.EXPIRED
            return answers.of_return(None, may_retry=False) if expired else answers.FORGED
        code, command = request.query_params.get("code"), self._parts.commands.find(command_id)
        if code == answers.NOTHING_NEEDED_CODE and isinstance(command, OpenCommand):
            self._parts.rechecks.begin(command_id, command)
        return answers.of_return(code, may_retry=not isinstance(command, ClosedCommand))

    def _command_id(self, request: Request) -> str:
        return self._links.read(request.path_params["token"], self._parts.clock.now())


def _has_ended(command: OpenCommand | ClosedCommand | None, session: Session) -> TypeGuard[ClosedCommand]:
    """Whether nobody should be led on; what was told of a login that has moved ends the command of the old one (R5)."""
    if not isinstance(command, ClosedCommand):
        return False
    return not session.is_moved or command.ending is not Ending.SUPERSEDED


def _language(request: Request) -> Language:
    return language_of(request.headers.get("accept-language", ""))


def _place(institution_id: str | None) -> str:
    return "an institution that is not known" if institution_id is None else f"institution {institution_id}"


def _log_failure(error: Exception) -> None:
    """Say what failed and where, without the message: it may quote a link."""
    log.error("a request failed: %s", place_of(error))
