"""The controls over HTTP, under `/sandbox/`: JSON in, JSON out, for whoever can reach the port."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from schemas.problems import place_of, words_of
from streams.sandbox.api.front import answer, done, json_object
from streams.sandbox.books.errors import Refusal
from streams.sandbox.books.model import Institution, Login
from streams.sandbox.books.profiles import Opening
from streams.sandbox.controls import ClockStandsError, Controls
from streams.sandbox.delivery.faults import MAX_SLOW_SECONDS, FaultName

MAX_AHEAD_SECONDS = 400 * 86_400
MAX_COPIES = 20
Code = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Asked(BaseModel):
    """A body; fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """Give the fields that the body has."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Advance(Asked):
    """How far to move the clock."""

    seconds: float = Field(ge=0, le=MAX_AHEAD_SECONDS)


class FaultAsked(Asked):
    """One fault."""

    share: float = Field(default=1.0, ge=0, le=1)
    times: int | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0, le=MAX_AHEAD_SECONDS)
    copies: int = Field(default=2, ge=2, le=MAX_COPIES)
    path: str = ""


class BankTraits(Asked):
    """How a bank behaves; fields as in `Institution`."""

    challenges: bool = False
    device_days: float = Field(default=60.0, ge=0, le=3650)
    knows_first_device: bool = True
    oauth: bool = False
    consent_days: float | None = Field(default=None, gt=0, le=3650)
    trouble: Code | None = None
    status: str = "online"


class BankAsked(BankTraits):
    """A new bank."""

    name: str = Field(min_length=1, max_length=255)
    otp: bool = False


class Migration(Asked):
    """A bank's move to OAuth."""

    consent_days: float | None = Field(default=365.0, gt=0, le=3650)


class OpeningAsked(Asked):
    """One account at the bank."""

    type: str = Field(default="checking", min_length=1, max_length=40)
    name: str = Field(default="Checking", min_length=1, max_length=255)
    balance: float = 100.0
    number: str | None = Field(default=None, min_length=4, max_length=40)


class LoginAsked(Asked):
    """A connection without the hosted page."""

    institution_id: str
    username: str
    password: str
    accounts: list[OpeningAsked] | None = Field(default=None, max_length=100)


class LoginChanges(Asked):
    """What is different with a login from now on."""

    trouble: Code | None = None
    bank_password: str = Field(default="", min_length=1)
    device_until: AwareDatetime | None = None
    consent_until: AwareDatetime | None = None


class AccountChanges(Asked):
    """What is different with an account from now on."""

    trouble: Code | None = None


class Move(Asked):
    """The login that an account is to stand under."""

    login: str


Form = TypeVar("Form", bound=Asked)
Handler = Callable[[Request], Awaitable[Response]]


class Control:
    """Handlers of the controls."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def routes(self) -> list[Route]:
        """Give the paths."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/", self.state),
            ("POST", "/clock", self.advance),
            ("POST", "/batch", self.batch),
            ("GET", "/truth", self.truth),
            ("GET", "/deliveries", self.deliveries),
            ("PUT", "/faults/{name}", self.set_fault),
            ("DELETE", "/faults", self.clear_faults),
            ("POST", "/institutions", self.add_institution),
            ("PATCH", "/institutions/{institution}", self.set_institution),
            ("POST", "/institutions/{institution}/migration", self.migrate),
            ("POST", "/customers/{customer}/logins", self.add_login),
            ("PATCH", "/logins/{login}", self.set_login),
            ("PATCH", "/accounts/{account}", self.set_account),
            ("POST", "/accounts/{account}/duplicate", self.duplicate),
            ("POST", "/accounts/{account}/move", self.move_account),
            ("DELETE", "/accounts/{account}", self.delete_account),
            ("POST", "/partner/unlock", self.unlock),
            ("POST", "/partner/expire-tokens", self.expire_tokens),
        ]
        return [Route(path, _answering(handler), methods=[method]) for method, path, handler in table]

    async def state(self, _request: Request) -> Response:
        """Say what time it is, what is asked for, what waits, and how the partner stands."""
        controls = self._controls
        content = {
            "now": controls.clock.now(),
            "partner": {
                "attempts": controls.partner.attempts,
                "failures": controls.partner.failures,
                "locked": controls.partner.is_locked,
            },
            "faults": {
                name.value: {"share": fault.share, "times": fault.times, "happened": controls.faults.happened[name]}
                for name, fault in controls.faults.wanted.items()
            },
            "webhooks": {"pending": len(controls.agenda), "dropped": controls.agenda.dropped},
            "customers": len(controls.world.customers),
            "accounts": len(controls.world.accounts),
        }
        return answer(content)

    async def advance(self, request: Request) -> Response:
        """Move the clock on."""
        asked = await _read(request, Advance)
        try:
            now = await self._controls.advance(timedelta(seconds=asked.seconds))
        except ClockStandsError as error:
            raise Refusal(409, "409", str(error)) from None
        return answer({"now": now})

    async def batch(self, _request: Request) -> Response:
        """Run the nightly batch now, and deliver what it brings."""
        self._controls.run_batch()
        await self._controls.settle()
        return done()

    async def truth(self, _request: Request) -> Response:
        """List every account as it stands."""
        return answer({"accounts": self._controls.truth()})

    async def deliveries(self, _request: Request) -> Response:
        """List the latest tries of webhooks."""
        return answer({"tried": self._controls.tried()})

    async def set_fault(self, request: Request) -> Response:
        """Ask for a fault."""
        name, asked = request.path_params["name"], await _read(request, FaultAsked)
        if name not in set(FaultName):
            raise Refusal(404, "404", f"no fault {name}: there are {', '.join(FaultName)}")
        if name == FaultName.SLOW and (asked.seconds or 0) > MAX_SLOW_SECONDS:
            raise Refusal(400, "400", f"seconds: at most {MAX_SLOW_SECONDS:.0f} for {name}")
        self._controls.set_fault(name, **asked.given())
        return done()

    async def clear_faults(self, _request: Request) -> Response:
        """Have nothing go wrong any more."""
        self._controls.clear_faults()
        return done()

    async def add_institution(self, request: Request) -> Response:
        """Make up a bank."""
        return answer(_bank(self._controls.add_institution(**(await _read(request, BankAsked)).given())), 201)

    async def set_institution(self, request: Request) -> Response:
        """Change how a bank behaves."""
        changes = (await _read(request, BankTraits)).given()
        return answer(_bank(self._controls.set_institution(request.path_params["institution"], **changes)))

    async def migrate(self, request: Request) -> Response:
        """Move a bank's logins to OAuth."""
        asked = await _read(request, Migration)
        twin = self._controls.migrate(request.path_params["institution"], consent_days=asked.consent_days)
        return answer(_bank(twin), 201)

    async def add_login(self, request: Request) -> Response:
        """Connect a test profile without the hosted page."""
        asked = await _read(request, LoginAsked)
        openings = None if asked.accounts is None else [Opening(**one.model_dump()) for one in asked.accounts]
        login = self._controls.add_login(
            *(request.path_params["customer"], asked.institution_id, asked.username, asked.password, openings)
        )
        return answer(self._login(login), 201)

    async def set_login(self, request: Request) -> Response:
        """Change a login."""
        changes = (await _read(request, LoginChanges)).given()
        return answer(self._login(self._controls.set_login(request.path_params["login"], **changes)))

    async def set_account(self, request: Request) -> Response:
        """Change an account."""
        asked = await _read(request, AccountChanges)
        self._controls.set_account(request.path_params["account"], trouble=asked.trouble)
        return done()

    async def move_account(self, request: Request) -> Response:
        """Put an account under another login."""
        asked = await _read(request, Move)
        self._controls.move_account(request.path_params["account"], asked.login)
        return done()

    async def duplicate(self, request: Request) -> Response:
        """Add an account once more."""
        return answer({"accountId": self._controls.duplicate(request.path_params["account"])}, 201)

    async def delete_account(self, request: Request) -> Response:
        """Delete an account."""
        self._controls.delete_account(request.path_params["account"])
        return done()

    async def unlock(self, _request: Request) -> Response:
        """Unlock the partner."""
        self._controls.partner.unlock()
        return done()

    async def expire_tokens(self, _request: Request) -> Response:
        """Have every token count as expired."""
        self._controls.partner.expire_tokens()
        return done()

    def _login(self, login: Login) -> dict[str, Any]:
        return {"institutionLoginId": login.id, "accountIds": self._controls.accounts_of(login.id)}


def _bank(bank: Institution) -> dict[str, Any]:
    return {"institutionId": bank.id, "name": bank.name}


async def _read(request: Request, form: type[Form]) -> Form:
    """Read a body; none at all is an empty one."""
    content = await json_object(request) if request.headers.get("content-length", "0") != "0" else {}
    try:
        return form.model_validate(content)
    except ValidationError as error:
        faults = [f"{place_of(one, 'body')}: {words_of(one)}" for one in error.errors(include_input=False)]
        raise Refusal(400, "400", "; ".join(faults)) from None


def _answering(handler: Handler) -> Handler:
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            return answer(refusal.body, refusal.status)

    return answered
