"""Puts a story together from what was followed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from schemas.events import AccountChallenged, AccountSnapshot, ConnectEvent, Event, Override
from schemas.times import rfc3339
from streams.domain import ENGINE_VERSION, Customer
from streams.explain.asked import Asked
from streams.explain.following.steps import Scene, Sort, Step
from streams.explain.following.trail import Trail
from streams.explain.names import Names
from streams.explain.reading.kept import Kept, Message
from streams.explain.story import Entry, Sent, Standing, Story
from streams.explain.wording.answers import Answers
from streams.explain.wording.entries import Entries
from streams.explain.wording.standing import Present
from streams.explain.wording.summary import Answer
from streams.explain.wording.words import counted
from streams.kafka.topics import AUDIT, EVENTS


@dataclass(slots=True)
class Followed:
    """All that was found out about a customer."""

    asked: Asked
    origin: str
    partition: int
    kept: Kept
    trail: Trail
    scene: Scene
    steps: Sequence[Step]
    """Those that are told, in order."""
    customer: Customer | None
    as_of: datetime | None
    forgotten_at: datetime | None = None
    unnamed: int = 0
    """Messages that no decision names."""
    left_out: int = 0
    """The first steps, of which there were too many to keep."""
    logins: frozenset[str] = field(default_factory=frozenset)
    """Every login that the account that is asked about ever had."""


def tell(found: Followed, names: Names) -> Story:
    """Tell what was found; `names` says how people are called."""
    asked, rules = found.asked, found.scene.rules
    steps = [step for step in found.steps if _is_asked(step, found)]
    for step in steps:
        if step.event is not None and step.sort is not Sort.TICK:
            names.event(step.event.id)  # numbers, where there are any, in the order of events
    answers = Answers.of(found.steps, found.kept, names)
    words = Entries(names, found.kept, found.trail, answers, found.partition, partial(_is_about, found))
    entries = tuple(words.of(steps))
    sent = [one for entry in entries for one in entry.sent]
    first = steps[0].offset if steps else 0
    waits = [one for one in found.trail.waits if one.offset >= first and _is_of_account(one.login_id, found)]
    answer = Answer(names, sent, waits, steps, rules.policy.contact.cooldown, asked.since)
    unknown = tuple(_unknown(found, names))
    return Story(
        customer=names.customer(asked.customer_id),
        account=None if asked.account_id is None else names.account(asked.account_id),
        names="hashed" if names.are_hashed else "clear",
        forgotten_at=found.forgotten_at,
        origin=found.origin,
        partition=found.partition,
        since=asked.since,
        as_of=found.as_of,
        engine_version=ENGINE_VERSION,
        policy_version=rules.policy_version,
        catalogue_version=rules.catalogue_version,
        summary=answer.summary(unknown),
        now=_standing(found, names),
        entries=entries,
        differences=sum(bool(entry.differs) for entry in entries),
        notes=(*(() if entries else unknown), *_notes(found, entries, sent)),
    )


def _standing(found: Followed, names: Names) -> Standing:
    if found.customer is None or found.as_of is None:
        return Standing()
    account_id = found.asked.account_id
    logins = None if account_id is None else found.logins
    return Present(names, found.customer, found.scene, found.as_of, account_id, logins).standing()


# -- one account of a customer


def _is_of_account(login_id: str | None, found: Followed) -> bool:
    return found.asked.account_id is None or login_id in found.logins


def _is_about(found: Followed, message: Message) -> bool:
    """Tell whether a message is about the account that is asked about, or its login."""
    account_id = found.asked.account_id
    return account_id is None or account_id in message.account_ids or message.login_id in found.logins


def _is_asked(step: Step, found: Followed) -> bool:
    """Tell whether a step is about the account that is asked about, its login, or the customer as a whole."""
    account_id = found.asked.account_id
    if account_id is None:
        return True
    if any(_is_about(found, one) for one in step.sent):
        return True
    return step.sort is not Sort.TICK and step.event is not None and _names(step.event, account_id, found.logins)


def _names(event: Event, account_id: str, logins: frozenset[str]) -> bool:
    data = event.data
    if isinstance(data, AccountSnapshot | AccountChallenged):
        return account_id == data.account_id or data.institution_login_id in logins
    if isinstance(data, ConnectEvent):
        named = {*data.account_ids, *data.institution_login_ids}
        return not named or bool(named & {account_id, *logins})
    if isinstance(data, Override):
        return data.account_id in (None, account_id) and (
            data.institution_login_id is None or data.institution_login_id in logins
        )
    return True


def logins_of(account_id: str | None, steps: Iterable[Step]) -> frozenset[str]:
    """Give every login that an account had in the course of steps."""
    if account_id is None:
        return frozenset()
    customers = [one for step in steps for one in (step.before, step.after) if one is not None]
    accounts = [one.accounts[account_id] for one in customers if account_id in one.accounts]
    return frozenset(one.login_id for one in accounts if one.login_id is not None)


# -- what a story lacks


def _unknown(found: Followed, names: Names) -> Iterator[str]:
    """Say that the account that is asked about is not the customer's, and which are."""
    account_id = found.asked.account_id
    customers = [one for step in found.steps for one in (step.before, step.after) if one is not None]
    known = dict.fromkeys(key for one in customers for key in one.accounts)
    if account_id is not None and known and account_id not in known:
        told = ", ".join(map(names.account, known))
        yield f"account {names.account(account_id)} is not known of the customer, only {told}"


def _notes(found: Followed, entries: Sequence[Entry], sent: Sequence[Sent]) -> Iterator[str]:
    yield from _gone(found)
    if found.left_out:
        yield f"the first {counted(found.left_out, 'record')} are followed, but not told: --from and --at choose a time"
    for topic in sorted(found.kept.absent):
        told = "; what was decided is derived" if topic == AUDIT else ""
        yield f"{topic} is not in {found.origin}{told}"
    engines = {step.audit.engine_version for step in found.steps if step.audit is not None} - {ENGINE_VERSION}
    if engines:
        yield f"decided by engine {', '.join(sorted(engines))}, explained by engine {ENGINE_VERSION} of this release"
    differing = sum(bool(entry.differs) for entry in entries)
    if differing:
        yield (
            f"at {counted(differing, 'place')} this release derives otherwise than was recorded: what was recorded is "
            "told, and what is derived behind the first of them may be off"
        )
    if any(entry.is_ahead for entry in entries):
        yield (
            f"the last decision that is recorded is on offset {found.kept.audited_to - 1}: what came behind it waits "
            "for the agent, or came to nothing"
        )
    if found.unnamed:
        yield f"{counted(found.unnamed, 'message')} to the customer named by no decision: run `txpush audit verify`"
    lost = sum(one.missing is not None and "audit verify" in one.missing for one in sent)
    if lost:
        yield f"{counted(lost, 'message')} of recorded decisions cannot be found: run `txpush audit verify`"


def _gone(found: Followed) -> Iterator[str]:
    """Say what retention has removed, and what that means."""
    for topic, gone in found.kept.gone.items():
        when = "nothing is left" if gone.first_at is None else f"what came before {rfc3339(gone.first_at)} is gone"
        yield f"{topic}: {when}"
    if EVENTS in found.kept.gone:
        yield "how the customer stood before is not known: what is derived begins without it"
