"""What came: events of the log in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.catalogue import Catalogue
from schemas.events import (
    AccountChallenged,
    AccountSnapshot,
    CommandReported,
    ConnectEvent,
    CustomerForgotten,
    Event,
    EventData,
    EventType,
    Incident,
    Override,
    OverrideAction,
    PolicyActivated,
    Source,
)
from schemas.times import rfc3339
from streams.explain.names import Names
from streams.explain.story import Came
from streams.explain.wording.words import SOURCES, code_said, counted, means

_ACTIONS = {
    OverrideAction.SILENCE: "contact is silenced",
    OverrideAction.MARK_OTP: "the login counts as one that asks for a passcode every time",
    OverrideAction.UNMARK_OTP: "the login counts no longer as one that asks for a passcode every time",
    OverrideAction.CLOSE_CASE: "what is open is closed; only a new attempt opens it again",
    OverrideAction.RELEASE_BASELINE: "cases that a first sweep kept without contact are released",
    OverrideAction.RESUME: "a paused partition goes on",
}


@dataclass(frozen=True, slots=True)
class Events:
    """Words for events, under the names of a story and the catalogue of their time."""

    names: Names
    catalogue: Catalogue

    def headline(self, event: Event) -> str:
        """Say in a line what an event tells."""
        match event.data:
            case AccountSnapshot() as data:
                return self._snapshot(event, data)
            case Incident() as data:
                return self._incident(event, data)
            case Override() | CustomerForgotten() as data:
                does = (
                    "the customer is to be forgotten" if isinstance(data, CustomerForgotten) else _ACTIONS[data.action]
                )
                return f"{self.names.operator(data.who)} decides: {does}"
            case data:
                return _plainly(data) or f"an event of type {event.type}"

    def _snapshot(self, event: Event, data: AccountSnapshot) -> str:
        account = f"account {self.names.account(data.account_id)}"
        if event.type == EventType.ACCOUNT_DELETED:
            return f"{account} was deleted"
        how = {Source.EXECUTOR: "looked up: ", Source.SWEEP: "read by a sweep: "}.get(Source(event.source), "")
        return f"{how}{account}: {code_said(data.aggregation_status_code, self.catalogue)}"

    def _incident(self, event: Event, data: Incident) -> str:
        is_open = event.type == EventType.INCIDENT_OPENED
        what = f"at institution {data.institution_id}, {code_said(data.code, self.catalogue)}"
        logins = f"{data.logins_failing:,} of {data.logins_seen:,} logins seen fail"
        return f"an incident {'opens' if is_open else 'is over'} {what}: {logins}"

    def came(self, event: Event) -> Came:
        """Give an event as data."""
        data, names = event.data, self.names
        came = Came(
            type=event.type,
            source=SOURCES.get(event.source, "unknown"),
            event_id=names.event(event.id),
            details=tuple(self._details(event)),
        )
        if isinstance(data, AccountSnapshot):
            return came.model_copy(update=self._of_account(data))
        if isinstance(data, Incident):
            code = {"code": data.code, "means": means(data.code, self.catalogue)}
            return came.model_copy(update={"institution_id": data.institution_id, **code})
        if isinstance(data, AccountChallenged | Override):
            of = {"account_id": data.account_id and names.account(data.account_id)}
            login = data.institution_login_id
            return came.model_copy(update={**of, "institution_login_id": login and names.login(login)})
        return (
            came.model_copy(update={"institution_id": data.institution_id}) if isinstance(data, ConnectEvent) else came
        )

    def _of_account(self, data: AccountSnapshot) -> dict[str, object]:
        login = data.institution_login_id
        return {
            "account_id": self.names.account(data.account_id),
            "institution_login_id": None if login is None else self.names.login(login),
            "institution_id": data.institution_id,
            "code": data.aggregation_status_code,
            "means": means(data.aggregation_status_code, self.catalogue),
            "attempted_at": data.aggregation_attempt_date,
        }

    def _details(self, event: Event) -> Iterator[str]:
        data = event.data
        if isinstance(data, ConnectEvent):
            yield from self._connect(data)
        elif isinstance(data, CommandReported):
            yield f"command {self.names.command(data.command_id)}"
            if data.reference:
                yield f"reference {self.names.text(data.reference)}"
        elif isinstance(data, Override):
            yield from self._override(data)
        elif isinstance(data, CustomerForgotten):
            yield f"reason: {self.names.text(data.why)}"
        elif isinstance(data, PolicyActivated) and data.who is not None:
            yield f"by {self.names.operator(data.who)}: {self.names.text(data.why)}"
        elif isinstance(data, AccountSnapshot):
            yield from self._account(data)

    def _connect(self, data: ConnectEvent) -> Iterator[str]:
        if data.code is not None or data.reason is not None:
            yield f"code {data.code}, reason {data.reason}"
        if data.webhook_data is not None:
            yield f"through the link of command {self.names.command(data.webhook_data.command_id)}"
        if data.institution_login_ids:
            yield f"logins {', '.join(map(self.names.login, data.institution_login_ids))}"
        if data.account_ids:
            yield f"accounts {', '.join(map(self.names.account, data.account_ids))}"

    def _override(self, data: Override) -> Iterator[str]:
        if data.is_partition_wide:
            yield "for every customer" if data.institution_id is None else f"at institution {data.institution_id}"
        if data.action is OverrideAction.SILENCE:
            yield "until another override" if data.until is None else f"until {rfc3339(data.until)}"
        if data.rate_per_hour is not None:
            yield f"at most {data.rate_per_hour:,} an hour and partition, those of others before it perhaps"
        yield f"reason: {self.names.text(data.why)}"

    def _account(self, data: AccountSnapshot) -> Iterator[str]:
        if data.baseline:
            yield "read by a sweep, not heard of as news"
        if data.authorization_expires and data.authorization_end_date is not None:
            yield f"its authorisation ends at {rfc3339(data.authorization_end_date)}"


def _plainly(data: EventData) -> str:
    """Say what an event tells that names nobody; nothing of one that no decision follows from."""
    match data:
        case ConnectEvent():
            return f"Data Connect: {data.event_type}"
        case AccountChallenged():
            return "a live call was answered with a security challenge"
        case CommandReported():
            return f"a service reports: {data.report}"
        case PolicyActivated():
            return f"other rules: policy {data.policy.version}, catalogue {data.catalogue.version}"
    return ""


def times_said(number: int, what: str) -> str:
    """Say that something was heard several times."""
    return f"{what}, {counted(number, 'time')} in a row"
