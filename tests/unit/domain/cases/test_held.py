"""What holds a contact that waits: all of it with its end, in the order in which contacts go out."""

from schemas.catalogue import Kind
from schemas.commands import Hold
from schemas.state import CustomerState, EpisodeState, LoginState, Silence, Surroundings
from streams.domain import Customer, Held, Turn, held
from streams.domain.cases.silence import NEVER
from tests.unit.domain.build import BANK, CUSTOMER, DAY, HOUR, LOGIN, SHIPPED, START


def waiting(**episode: object) -> EpisodeState:
    """Give an episode whose issue waits."""
    fields = {"sequence": -1, "reason_code": 185, "steps": (), "account_ids": (), "waiting_since": START}
    return EpisodeState(START, 1, "c", **(fields | episode))  # type: ignore[arg-type] # fields of an episode


def holds(login: LoginState, silences: dict[str, Silence] | None = None, at: object = START + HOUR) -> list[Held]:
    """Give what holds a case an hour later."""
    customer = Customer(CUSTOMER, CustomerState(START), {}, {LOGIN: login})
    return held(Turn(customer, SHIPPED, at, Surroundings(silences=silences or {})), LOGIN)  # type: ignore[arg-type] # a time


def test_every_hold_with_its_end() -> None:
    """A silence without an end goes on for ever, a cooldown ends by itself."""
    login = LoginState(BANK, episodes={Kind.CONNECT_FIX: waiting()}, contacted_at=START)
    (one,) = holds(login, {"/": Silence()})
    assert (one.kind, one.is_reminder, one.since, one.code) == (Kind.CONNECT_FIX, False, START, 185)
    assert one.holds == ((Hold.COOLDOWN, START + DAY), (Hold.SILENCE, NEVER))


def test_what_is_over_holds_nothing() -> None:
    """Only what holds it at the turn is given, which may be nothing: another of the case goes before it."""
    login = LoginState(BANK, episodes={Kind.CONNECT_FIX: waiting()}, contacted_at=START - DAY)
    assert [one.holds for one in holds(login)] == [()]


def test_issue_before_reminder() -> None:
    """In the order in which they go out."""
    out = waiting(sequence=0, waiting_since=None, contacted_at=START - DAY)
    login = LoginState(
        BANK, episodes={Kind.RELINK: waiting(), Kind.CONNECT_FIX: out}, remind_since=START - HOUR, contacted_at=START
    )
    assert [(one.kind, one.is_reminder) for one in holds(login)] == [(Kind.RELINK, False), (Kind.CONNECT_FIX, True)]


def test_a_pending_fix_holds_all() -> None:
    """No time ends it by itself, and nothing else is asked."""
    login = LoginState(BANK, episodes={Kind.CONNECT_FIX: waiting()}, is_pending=True, fix_at=START)
    assert [one.holds for one in holds(login)] == [((Hold.FIX_PENDING, NEVER),)]


def test_nothing_waits() -> None:
    """A case without a contact that waits."""
    assert holds(LoginState()) == []
