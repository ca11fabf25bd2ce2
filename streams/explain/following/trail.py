"""What led to each message, and what waited: noted from step to step, as a state shows only its present."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from schemas.catalogue import Kind
from schemas.commands import Action, Hold
from schemas.events import AccountSnapshot
from schemas.state import EpisodeState
from streams.domain import Held
from streams.domain.cases.silence import NEVER
from streams.explain.following.steps import Step, all_held
from streams.explain.reading.kept import Message

REMEMBERED = 20
"""Attempts of an account, and episodes of a login, that are remembered as evidence."""


class Attempt(NamedTuple):
    """An observation of a stretch in which an account was not at 0."""

    account_id: str
    attempted_at: datetime
    code: int
    event_id: str


@dataclass(slots=True)
class Spell:
    """An episode of a login, from the event that opened it to the one that ended it."""

    kind: str
    ordinal: int
    opened_at: datetime
    opened_by: str
    by_challenge: bool
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_as: str = ""
    """`complete`, the reason of a withdrawal, or nothing where no message of it ever went out."""


class HeldBy(NamedTuple):
    """What held a contact the longest, from when on, and until when as it was known then; None: no time ends it."""

    hold: Hold
    since: datetime
    until: datetime | None


@dataclass(slots=True)
class Wait:
    """A contact that could not be made at once."""

    login_id: str
    kind: Kind
    is_reminder: bool
    since: datetime
    code: int | None
    account_ids: tuple[str, ...]
    offset: int
    """Of the record with which it began."""
    held_by: list[HeldBy] = field(default_factory=list)
    ended_at: datetime | None = None
    message: Message | None = None
    """With which it went out; None where it still waits, or came to be needed no more."""


class Evidence(NamedTuple):
    """What a message rests on: attempts of its accounts, and earlier episodes of its login."""

    attempts: Sequence[Attempt]
    spells: Sequence[Spell]
    wait: Wait | None


@dataclass(slots=True)
class Trail:
    """The notes; `follow` takes every step in order."""

    waits: list[Wait] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    """By the id of the message."""
    _waiting: dict[tuple[str, str, datetime], Wait] = field(default_factory=dict)
    _attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    _spells: dict[str, list[Spell]] = field(default_factory=dict)

    def follow(self, step: Step) -> None:
        """Take the next step."""
        self._note_attempt(step)
        self._note_spells(step)
        ended = self._note_waits(step)
        for message in step.sent:
            self._note_evidence(message, ended)

    # -- attempts

    def _note_attempt(self, step: Step) -> None:
        event = step.event
        if event is None or not isinstance(event.data, AccountSnapshot) or step.after is None:
            return
        account_id = event.data.account_id
        was = None if step.before is None else step.before.accounts.get(account_id)
        now = step.after.accounts.get(account_id)
        if now is None or now.attempted_at is None or now.code is None:
            return
        if was is not None and (was.attempted_at, was.codes_at_attempt) == (now.attempted_at, now.codes_at_attempt):
            return
        row = self._attempts.setdefault(account_id, [])
        if now.code == 0 or (row and row[-1].code == 0):
            row.clear()
        row.append(Attempt(account_id, now.attempted_at, now.code, event.id))
        del row[:-REMEMBERED]

    # -- episodes

    def _note_spells(self, step: Step) -> None:
        if step.before is step.after:
            return
        logins = {*(step.before.logins if step.before else ()), *(step.after.logins if step.after else ())}
        by = "" if step.event is None or step.sort != "own" else step.event.id
        for login_id in logins:
            was, now = step.case_before(login_id).episodes, step.case_after(login_id).episodes
            if was is not now:
                self._compare(login_id, was.values(), now.items(), by, step)

    def _compare(
        self,
        login_id: str,
        was: Iterable[EpisodeState],
        now: Iterable[tuple[str, EpisodeState]],
        by: str,
        step: Step,
    ) -> None:
        spells, present = self._spells.setdefault(login_id, []), dict(now)
        ordinals, known = {one.ordinal for one in present.values()}, {one.ordinal for one in was}
        for spell in spells:
            if spell.ended_at is None and spell.ordinal in known - ordinals:
                spell.ended_at, spell.ended_by = step.decided_at, by
                spell.ended_as = _end_of(spell, login_id, step.sent)
        for kind, episode in present.items():
            if episode.ordinal not in known:
                spells.append(Spell(kind, episode.ordinal, episode.opened_at, by, episode.opened_by_challenge))
        del spells[:-REMEMBERED]

    # -- contacts that wait

    def _note_waits(self, step: Step) -> dict[str, Wait]:
        """Note what waits now; give what has ended, by the id of the message with which it went out."""
        at, present = step.decided_at, set[tuple[str, str, datetime]]()
        for login_id, held in all_held(step.after, step.scene, at):
            key = (login_id, "" if held.is_reminder else held.kind.value, held.since)
            present.add(key)
            wait = self._waiting.get(key)
            if wait is None:
                wait = Wait(login_id, held.kind, held.is_reminder, held.since, held.code, held.account_ids, step.offset)
                self._waiting[key] = wait
                self.waits.append(wait)
            _note_hold(wait, held, at)
        ended = {}
        for key in self._waiting.keys() - present:
            wait = self._waiting.pop(key)
            wait.message = next((one for one in step.sent if _goes_with(wait, one)), None)
            wait.ended_at = at if wait.message is None else wait.message.at
            if wait.message is not None:
                ended[wait.message.id] = wait
        return ended

    # -- what a message rests on

    def _note_evidence(self, message: Message, ended: dict[str, Wait]) -> None:
        attempts = [one for account_id in message.account_ids for one in self._attempts.get(account_id, ())]
        attempts.sort(key=lambda one: one.attempted_at)
        spells = [dataclasses.replace(one) for one in self._spells.get(message.login_id or "", ())]
        self.evidence[message.id] = Evidence(attempts, spells, ended.get(message.id))


def _note_hold(wait: Wait, held: Held, at: datetime) -> None:
    """Note what holds a contact the longest, where that is another than before."""
    if not held.holds:
        return
    hold, until = max(held.holds, key=lambda one: one[1])
    last = wait.held_by[-1] if wait.held_by else None
    end = None if until >= NEVER else until
    if last is None or (last.hold, last.until) != (hold, end):
        wait.held_by.append(HeldBy(hold, wait.since if last is None else at, end))


def _goes_with(wait: Wait, message: Message) -> bool:
    data, action = message.data, Action.REMIND if wait.is_reminder else Action.ISSUE
    is_kind = wait.is_reminder or data.get("kind") == wait.kind
    return is_kind and data.get("action") == action and message.login_id == wait.login_id


def _end_of(spell: Spell, login_id: str, sent: Sequence[Message]) -> str:
    for message in sent:
        data = message.data
        if data.get("kind") != spell.kind or message.login_id != login_id:
            continue
        if data.get("action") == Action.COMPLETE:
            return Action.COMPLETE
        if data.get("action") == Action.WITHDRAW:
            return str(data.get("withdraw_reason"))
    return ""
