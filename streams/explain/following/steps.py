"""A step of a story: one record of the log that concerned the customer, as it was recorded and as it is derived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from schemas.audit import AuditRecord, DeadLetterReason
from schemas.events import Event
from schemas.state import LoginState, Surroundings
from streams.domain import NOWHERE, Customer, Decision, Held, Rules, Turn, held, waiting_cases
from streams.explain.reading.kept import Message
from streams.fold.inforce import InForce


class Sort(StrEnum):
    """What sort of record a step is of."""

    OWN = "own"
    """An event of the customer's."""
    TICK = "tick"
    WIDE = "wide"
    """About all customers of the partition: an incident, a silence, a release."""
    RULES = "rules"


@dataclass(frozen=True, slots=True)
class Scene:
    """Under what a step was derived."""

    in_force: InForce
    around: Surroundings = NOWHERE
    ticked_at: datetime | None = None

    @property
    def rules(self) -> Rules:
        """The rules in force."""
        return self.in_force.rules


@dataclass(frozen=True, slots=True)
class Step:
    """One record and what came of it.

    Attributes:
        offset: in the log of the customer's partition.
        at: the time of the record.
        sort: what it is.
        event: what it says; None where it cannot be read.
        before, after: the customer as derived, without and with this record.
        scene: what it was derived under; `was_around` is what surrounded all before the record.
        audit: the decision as it was recorded; None where nothing changed, or where it is not there any more.
        aside: why the record became a dead letter; None where it did not.
        decision: what this release derives; None where it refuses the record, or has nothing to decide.
        sent: the messages of the decision, in order: as they were recorded, or, where the record is not there, the
            derived one of the recorded hash.
        missing: topics and ids of messages that were decided and are neither.
        differences: in what the derived decision is another than the recorded one.
        is_ahead: nothing is recorded of a record that this release would act on, nor of any later one.
    """

    offset: int
    at: datetime
    sort: Sort
    event: Event | None
    before: Customer | None
    after: Customer | None
    scene: Scene
    was_around: Surroundings = NOWHERE
    audit: AuditRecord | None = None
    aside: DeadLetterReason | None = None
    decision: Decision | None = None
    sent: Sequence[Message] = ()
    missing: Sequence[tuple[str, str]] = ()
    differences: Sequence[str] = ()
    is_ahead: bool = False

    @property
    def decided_at(self) -> datetime:
        """The event time: of the decision, which may be later than the record's own."""
        return self.at if self.decision is None else self.decision.event_time

    def case_before(self, login_id: str) -> LoginState:
        """Give a case as it was."""
        return LoginState() if self.before is None else self.before.case(login_id)

    def case_after(self, login_id: str) -> LoginState:
        """Give a case as it is then."""
        return LoginState() if self.after is None else self.after.case(login_id)


def turn_of(customer: Customer, scene: Scene, at: datetime) -> Turn:
    """Give the turn in which the core looks at a customer at a time."""
    return Turn(customer, scene.rules, at, scene.around)


def all_held(customer: Customer | None, scene: Scene, at: datetime) -> list[tuple[str, Held]]:
    """Give every contact of a customer that waits, by its login."""
    if customer is None:
        return []
    turn = turn_of(customer, scene, at)
    return [(login_id, one) for login_id in waiting_cases(customer) for one in held(turn, login_id)]
