"""The oracle of one institution: signals in, support tickets and incidents out (R9, R10, R11, R14)."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid5

from schemas.commands import COMMAND_NAMESPACE
from tests.oracle.reading import Record, event_time, rfc3339
from tests.oracle.rules import Rules
from tests.oracle.state import Message
from tests.oracle.window import FAILING, HEALTHY, LEFT, Heard, LoginKey, Window, login_key, look_back

NEVER = (945, 946, 948, 949, 169, 108, 109)
"""R9: codes that never are an incident."""
UNKNOWN_SPAN = timedelta(days=7)
"""R11: within this time 5 logins fail; no key of the policy."""
WANTED = "institution.ticket.wanted"


@dataclass
class Ticket:
    """R9, R10, R11, R14: one open ticket."""

    code: int | None
    cause: str
    opened_at: datetime
    command_id: str
    affected: int
    logins: set[LoginKey] = field(default_factory=set)
    """R10: the distinct logins since it was opened; over code null, accounts."""
    sequence: int = 0


@dataclass
class Institution:
    """What is remembered of one institution."""

    id: str
    clock: datetime
    rules: Rules = field(default_factory=Rules)
    heard: list[Heard] = field(default_factory=list)
    recent: list[Heard] = field(default_factory=list)
    """R9: those that may be in the window."""
    standing: dict[int | None, set[LoginKey]] = field(default_factory=dict)
    quiet_since: dict[int | None, datetime] = field(default_factory=dict)
    """R10: logins that entered a code and did not leave it; since when there is none."""
    tickets: dict[int | None, Ticket] = field(default_factory=dict)
    completed: dict[int | None, int] = field(default_factory=dict)
    """R11: how much was heard when the last ticket of a code was complete."""
    incidents: dict[int, Ticket] = field(default_factory=dict)
    opened: dict[int, datetime] = field(default_factory=dict)
    """R9: when an incident of a code was last opened."""
    sequences: dict[int, int] = field(default_factory=dict)
    out: list[Message] = field(default_factory=list)


def judge_signals(log: list[Record]) -> list[Message]:
    """Fold the signals of one institution; give tickets and incident facts in the order in which they go out."""
    state: Institution | None = None
    rules, clock = Rules(), datetime.min.replace(tzinfo=UTC)
    for record in log:
        at = event_time(record)
        if record["type"] == "clock.tick":
            clock = max(clock, at)
        if record["type"] == "policy.activated":
            rules = Rules(record["data"].get("policy"), record["data"].get("catalogue"))
        elif state is None and record["type"] != "clock.tick":
            state = Institution(str(record["data"]["institution_id"]), max(clock, at))
        if state is not None:
            state.rules = rules
            _hear(state, record, at)
    return state.out if state is not None else []


def _hear(state: Institution, record: Record, at: datetime) -> None:
    """Section 4: timers first; then the signal, and timers already due."""
    tick = record["type"] == "clock.tick"
    _fire(state, at, inclusive=tick)
    state.clock = max(state.clock, at)
    if not tick:
        before = {timer[:4] for timer in _timers(state)}
        _take(state, Heard(at, str(record["type"]), record["data"]))
        _fire_new(state, before)


def _timers(state: Institution) -> list[tuple[datetime, str, int, str, Ticket]]:
    """R9: an incident lasts 12 h at the longest. R10: a ticket is complete after 7 quiet days. In the order due."""
    longest, quiet = state.rules.hours("incident", "max_hours"), state.rules.days("ticket", "quiet_days")
    found = [(one.opened_at + longest, str(one.code), 9, one.command_id, one) for one in state.incidents.values()]
    for code, ticket in state.tickets.items():
        if not state.standing.get(code):
            since = max(state.quiet_since.get(code, ticket.opened_at), ticket.opened_at)
            found.append((since + quiet, str(code), 10, ticket.command_id, ticket))
    return sorted(found, key=lambda timer: timer[:4])


def _fire(state: Institution, limit: datetime, *, inclusive: bool) -> None:
    """Section 4: fire what is due before `limit`, or by it."""
    while due := [one for one in _timers(state) if one[0] < limit or (inclusive and one[0] == limit)]:
        _fire_one(state, due[0])


def _fire_new(state: Institution, before: set[tuple[datetime, str, int, str]]) -> None:
    """Section 4: a timer already due when it is set fires at once, at event time."""
    while due := [one for one in _timers(state) if one[0] <= state.clock and one[:4] not in before]:
        _fire_one(state, due[0])


def _fire_one(state: Institution, timer: tuple[datetime, str, int, str, Ticket]) -> None:
    """Section 4: a message carries the time that its timer was due."""
    due, _, rule, _, ticket = timer
    state.clock = max(state.clock, due)
    if rule == 9 and ticket.code is not None:
        _close_incident(state, ticket.code)
    else:
        _say(state, ticket, "complete")
        del state.tickets[ticket.code]
        state.completed[ticket.code] = len(state.heard)


def _take(state: Institution, heard: Heard) -> None:
    """Take one signal: incidents first, then standing and tickets."""
    state.heard.append(heard)
    if heard.type == HEALTHY:
        _look_at_incidents(state, heard)
        return
    code, login = heard.data["code"], login_key(heard.data)
    if code is not None and heard.type in (FAILING, LEFT):
        _look_at_incidents(state, heard)
    if heard.type == LEFT:
        _leave(state, code, login)
    elif heard.type == WANTED:
        _stand(state, code, login)
        _ticket(state, code, login, str(heard.data["cause"]))
    elif code is not None:
        _stand(state, code, login)
        _ticket(state, code, login, _cause(state, int(code)))


def _window(state: Institution) -> Window:
    """R9: the window as it is now; what is older never comes back into it."""
    first = state.clock - state.rules.minutes("incident", "window_minutes")
    state.recent = [one for one in state.recent if one.at >= first]
    return look_back(state.recent, first)


def _look_at_incidents(state: Institution, heard: Heard) -> None:
    """R9: close what few have part in; then open the incident of the failing code, or go on with it."""
    if heard.at < state.clock - state.rules.minutes("incident", "window_minutes"):
        return
    newly = heard.type == FAILING and heard.data["entered"] is True and _is_new(state, heard)
    state.recent.append(heard)
    _close_incidents(state)
    if heard.type != FAILING or heard.data.get("otp") is True:
        return
    code = int(heard.data["code"])
    if code not in state.incidents:
        _open_incident(state, code)
    elif newly:
        state.incidents[code].affected += 1


def _is_new(state: Institution, heard: Heard) -> bool:
    """R9: whether a login is in no signal of the window one that newly failed with the code."""
    code = heard.data["code"]
    return code in state.incidents and login_key(heard.data) not in _window(state).newly_failing.get(code, ())


def _stand(state: Institution, code: int | None, login: LoginKey) -> None:
    """R10: a login stands at the code."""
    state.standing.setdefault(code, set()).add(login)


def _ticket(state: Institution, code: int | None, login: LoginKey, cause: str) -> None:
    """R10: count a login into the open ticket, or open one if there is a cause."""
    ticket = state.tickets.get(code)
    if ticket is None:
        if cause:
            _issue_ticket(state, code, cause)
    elif login not in ticket.logins:
        ticket.logins.add(login)
        ticket.affected += 1
        if ticket.affected in state.rules.numbers("ticket", "update_at"):
            _say(state, ticket, "update")


def _leave(state: Institution, code: int | None, login: LoginKey) -> None:
    """R10: no account of the login stands at the code any more."""
    standing = state.standing.setdefault(code, set())
    if login in standing:
        standing.remove(login)
        if not standing:
            state.quiet_since[code] = state.clock


def _cause(state: Institution, code: int) -> str:
    """R10: a support code opens a ticket. R11: an unknown code at 5 distinct logins within 7 days does."""
    treatment = state.rules.treatment(code)
    if treatment == "support":
        return "support"
    enough = len(_lately(state, code)) >= state.rules.number("unknown", "logins")
    return "unknown_code" if treatment == "unknown" and enough else ""


def _lately(state: Institution, code: int | None) -> set[LoginKey]:
    """R11: the logins that failed with the code within 7 days, after the last ticket of it."""
    first, heard = state.clock - UNKNOWN_SPAN, state.heard[state.completed.get(code, 0) :]
    return {
        login_key(one.data) for one in heard if one.type == FAILING and one.data["code"] == code and first <= one.at
    }


def _ticket_id(state: Institution, code: int | None, cause: str) -> str:
    """Section 5: over `institution/code/cause/opened_at`; the code of a ticket without one is written `null`."""
    written = "null" if code is None else str(code)
    return str(uuid5(COMMAND_NAMESPACE, f"{state.id}/{written}/{cause}/{rfc3339(state.clock)}"))


def _issue_ticket(state: Institution, code: int | None, cause: str) -> None:
    """R10: one open ticket per institution and code; thresholds passed at `issue` give no update."""
    logins = state.standing[code] | _lately(state, code)
    ticket = Ticket(code, cause, state.clock, _ticket_id(state, code, cause), len(logins), logins)
    state.tickets[code] = ticket
    _say(state, ticket, "issue")


def _say(state: Institution, ticket: Ticket, action: str) -> None:
    """Section 5: one message of a ticket."""
    data = {
        "command_id": ticket.command_id,
        "sequence": ticket.sequence,
        "action": action,
        "institution_id": state.id,
        "cause": ticket.cause,
        "opened_at": rfc3339(ticket.opened_at),
        "reason": {"code": ticket.code},
        "logins_affected": ticket.affected,
    }
    identity = f"{ticket.command_id}:{ticket.sequence}"
    state.out.append(
        {"topic": "remediation.support-ticket", "id": identity, "time": rfc3339(state.clock), "data": data}
    )
    ticket.sequence += 1


def _announce(state: Institution, code: int, what: str) -> None:
    """R9: the fact that every partition hears of; its sequence per institution and code begins at the time in ms."""
    since_1970 = state.clock - datetime(1970, 1, 1, tzinfo=UTC)
    state.sequences[code] = max(state.sequences.get(code, 0) + 1, since_1970 // timedelta(milliseconds=1))
    data = {"institution_id": state.id, "code": code, "sequence": state.sequences[code]}
    state.out.append({"type": f"institution.incident.{what}", "time": rfc3339(state.clock), "data": data})


def _open_incident(state: Institution, code: int) -> None:
    """R9: 20 distinct logins newly fail with one code in 30 min, and 80 % of those seen fail with it."""
    if code in NEVER or state.opened.get(code) == state.clock:
        return
    if sum(one.data.get("code") == code for one in state.recent) < state.rules.number("incident", "min_logins"):
        return
    window = _window(state)
    enough = len(window.newly_failing.get(code, ())) >= state.rules.number("incident", "min_logins")
    if enough and window.share(code) >= state.rules.share("open_share"):
        identity = _ticket_id(state, code, "incident")
        state.incidents[code] = Ticket(code, "incident", state.clock, identity, len(window.failing[code]))
        state.opened[code] = state.clock
        _announce(state, code, "opened")
        _say(state, state.incidents[code], "issue")


def _close_incidents(state: Institution) -> None:
    """R9: closed when at least 20 logins were seen in 30 min and at most 20 % of them fail."""
    window = _window(state) if state.incidents else Window()
    if window.seen < state.rules.number("incident", "min_logins"):
        return
    for code in sorted(state.incidents):
        if window.share(code) <= state.rules.share("close_share"):
            _close_incident(state, code)


def _close_incident(state: Institution, code: int) -> None:
    """R9: the fact, and the ticket of the incident is complete."""
    _announce(state, code, "closed")
    _say(state, state.incidents.pop(code), "complete")
