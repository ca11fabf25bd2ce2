"""The hosted page over HTTP: a link opens a visit, plain forms carry it on, and it ends with a redirect."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from urllib.parse import parse_qs

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from streams.sandbox.books.profiles import SLOW_USER
from streams.sandbox.hosted import pages
from streams.sandbox.hosted.adding import Adding
from streams.sandbox.hosted.links import Links, LinkType
from streams.sandbox.hosted.repair import Repair
from streams.sandbox.hosted.session import RETURNED, Ending, Session, Step
from streams.sandbox.hosted.teller import Teller
from streams.sandbox.parts import Parts

MAX_VISITS = 10_000
MAX_FORM_BYTES = 16 * 1024
MAX_FIELDS = 200
FORM_SECONDS = 10.0
ID_LENGTH = 32
_OVER = ("This visit is over", "You can close this window.")
BAD_REQUEST, GONE, NOT_FOUND, SEE_OTHER = 400, 410, 404, 303
_PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex"}

Form = Mapping[str, list[str]]


class Visits:
    """All visits, the latest ten thousand."""

    def __init__(self, parts: Parts, links: Links) -> None:
        self._world = parts.world
        self._seed = parts.seed
        self._slow_seconds = parts.settings.slow_seconds
        self._links = links
        self._teller = Teller(parts)
        self._repair = Repair(parts, self._teller)
        self._adding = Adding(parts, self._teller)
        self._known: OrderedDict[str, Session] = OrderedDict()
        self._opened = 0

    async def open(self, request: Request) -> Response:
        """Open a visit."""
        link = self._links.find(request.query_params.get("signature", ""))
        if link is None:
            return _page(pages.notice("This link is not known", "Please go back to where you got it from."), NOT_FOUND)
        is_gone = link.login_id is not None and link.login_id not in self._world.logins
        if is_gone or link.is_spent or self._teller.now() >= link.expires_at:
            return _page(pages.notice("This link has expired", "Please ask for a new one."), GONE)
        self._opened += 1
        session = Session(self._seed.text(ID_LENGTH, "visit", self._opened), link, Step.BANKS)
        self._known[session.id] = session
        if len(self._known) > MAX_VISITS:
            self._known.popitem(last=False)
        self._teller.tell(session, "started", {})
        if link.login_id is not None:
            self._begin(session, link.login_id)
        return _see(_address(session))

    async def show(self, request: Request) -> Response:
        """Show where a visit stands."""
        session = self._known.get(request.path_params["visit"])
        if session is None or session.is_over:
            return _page(pages.notice(*_OVER), GONE)
        return self._timed_out(session) or _page(pages.of(session, self._world))

    async def submit(self, request: Request) -> Response:
        """Take a form."""
        session = self._known.get(request.path_params["visit"])
        if session is None or session.is_over:
            return _page(pages.notice(*_OVER), GONE)
        if left := self._timed_out(session):
            return left
        try:
            async with asyncio.timeout(FORM_SECONDS):
                form = await _form(request)
        except (TimeoutError, ValueError):
            return _page(pages.notice("This form cannot be read", "Please go back and try again."), BAD_REQUEST)
        if _first(form, "username") == SLOW_USER:
            await asyncio.sleep(self._slow_seconds)
        self._act(session, _first(form, "action"), form)
        return self._left(session) if session.is_over else _see(_address(session))

    def _begin(self, session: Session, login_id: str) -> None:
        login = self._world.logins.get(login_id)
        if login is not None and login.customer_id == session.link.customer_id:
            self._repair.begin(session, login)

    def _act(self, session: Session, action: str, form: Form) -> None:
        """Do what the button says, where the step has such a button."""
        if action == "exit":
            session.end(Ending.NOTHING if session.step is Step.NOTHING else Ending.EXIT)
        elif session.step is Step.BANKS:
            self._in_banks(session, action, form)
        elif session.step is Step.FINISH and action == "finish":
            self._finish(session)
        elif session.bank is not None and session.login is None:
            self._in_adding(session, action, form)
        elif session.login is not None:
            self._in_repair(session, action, form)

    def _in_banks(self, session: Session, action: str, form: Form) -> None:
        if session.link.type is not LinkType.FULL:
            return
        if action == "choose":
            self._choose(session, _first(form, "institution"))
        elif action == "reconnect":
            self._begin(session, _first(form, "login"))
        elif action == "remove":
            self._adding.remove(session, form.get("account", []))

    def _choose(self, session: Session, institution_id: str) -> None:
        chosen = [bank for bank in self._world.institutions.search("") if bank.id == institution_id]
        if chosen:
            self._adding.choose(session, chosen[0])
        else:
            session.problem = "Please choose a bank."

    def _in_adding(self, session: Session, action: str, form: Form) -> None:
        if (bank := session.bank) is None:
            return
        if session.step is Step.CREDENTIALS and action == "sign_in":
            self._adding.sign_in(session, bank, _first(form, "username"), _first(form, "password"))
        elif session.step is Step.CHALLENGE and action == "answer":
            self._adding.answered(session, bank, _first(form, "answer"))
        elif session.step is Step.OAUTH and action == "approve":
            self._adding.approved(session, bank)
        elif session.step is Step.ACCOUNTS and action == "save":
            self._adding.save(session, bank, form.get("account", []))

    def _in_repair(self, session: Session, action: str, form: Form) -> None:
        if (login := session.login) is None:
            return
        if session.step is Step.CREDENTIALS and action == "sign_in":
            self._repair.sign_in(session, login, _first(form, "username"), _first(form, "password"))
        elif session.step is Step.CHALLENGE and action == "answer":
            self._repair.answered(session, login, _first(form, "answer"))
        elif session.step is Step.OAUTH and action == "approve":
            self._repair.repaired(session, login)

    def _finish(self, session: Session) -> None:
        self._teller.tell(session, "done", {})
        session.link.is_spent = session.link.single_use
        if session.login is not None:
            self._teller.refresh(session.login)
        session.end(Ending.COMPLETE)

    def _timed_out(self, session: Session) -> Response | None:
        """End a visit whose link has expired meanwhile; None while it has not."""
        if self._teller.now() < session.link.expires_at:
            return None
        session.end(Ending.TIMEOUT)
        return self._left(session)

    def _left(self, session: Session) -> Response:
        reason, code = RETURNED[session.ending or Ending.EXIT]
        if session.link.redirect is None:
            return _page(pages.notice("You can close this window", "Thank you."))
        target = httpx.URL(session.link.redirect).copy_merge_params({"code": str(code), "reason": reason})
        return _see(str(target))


async def _form(request: Request) -> Form:
    """Read a form; ValueError for one that is too large, or none."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            raise ValueError("the form is too large")
    return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)


def _first(form: Form, name: str) -> str:
    return form.get(name, [""])[0]


def _address(session: Session) -> str:
    return f"/connect/visits/{session.id}"


def _see(address: str) -> Response:
    return RedirectResponse(address, SEE_OTHER, headers=_PRIVATE)


def _page(html: str, status: int = 200) -> Response:
    return HTMLResponse(html, status, headers=_PRIVATE)
