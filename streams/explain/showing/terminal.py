"""A story for a terminal, or a pipe: lines of any width, in which an id is never cut."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from textwrap import wrap

from rich.text import Text

from schemas.times import rfc3339
from streams.explain.story import Contact, Decided, Entry, HeldBack, Sent, SetAside, Standing, Story
from streams.explain.wording.words import said
from streams.plain import plain

LEAST = 60
"""Columns that lines have at least."""
PREFIX = "remediation."
_ENDED = {"sent": "sent", "not_needed": "needed no more", None: "waits still"}


class Screen:
    """Lines of a width; what is longer than one goes on below it, at its indent."""

    def __init__(self, width: int) -> None:
        self._width = max(width, LEAST)

    def of(self, story: Story) -> Iterator[Text]:
        """Give the lines of a story: the answer first, then how things stand, then everything in order."""
        yield from self._head(story)
        yield from self._contacts(story.summary.contacts)
        yield from self._held_back(story.summary.held_back)
        yield from self._now(story.now)
        yield from self._section("WHAT HAPPENED", (line for entry in story.entries for line in self._entry(entry)))
        yield from self._section("WHAT THIS LACKS", self._each("- ", story.notes))

    # -- how lines are made

    def _line(self, text: str, indent: int = 0, style: str = "", lead: str = "") -> Iterator[Text]:
        first, others = " " * indent + lead, " " * (indent + len(lead))
        options = {"break_long_words": False, "break_on_hyphens": False}
        for line in wrap(plain(text), self._width, initial_indent=first, subsequent_indent=others, **options):  # type: ignore[arg-type] # of one value type
            yield Text(line, style=style)

    def _each(self, lead: str, texts: Iterable[str], indent: int = 0, style: str = "") -> Iterator[Text]:
        for text in texts:
            yield from self._line(text, indent, style, lead)

    def _section(self, title: str, lines: Iterable[Text]) -> Iterator[Text]:
        found = list(lines)
        if found:
            yield from (Text(""), Text(title, style="bold"), *found)

    # -- the answer

    def _head(self, story: Story) -> Iterator[Text]:
        about = f"Customer {story.customer}" + ("" if story.account is None else f", account {story.account}")
        yield from self._line(f"{about}, as of {_time(story.as_of)}", style="bold")
        where = f"partition {story.partition} of {story.origin}"
        rules = f"policy {story.policy_version}, catalogue {story.catalogue_version}, engine {story.engine_version}"
        yield from self._line(f"{where}; {rules}", style="dim")
        if story.forgotten_at is not None:
            yield from self._line(f"forgotten {rfc3339(story.forgotten_at)}: nobody is named", style="yellow")
        yield Text("")
        yield from self._each("", story.summary.says)

    def _contacts(self, contacts: Iterable[Contact]) -> Iterator[Text]:
        lines: list[Text] = []
        for number, one in enumerate(contacts, 1):
            lead = f"{number}. "
            lines += self._line(
                f"{rfc3339(one.at)}  {said(one.action, one.kind)}, login {one.institution_login_id}", 0, "bold", lead
            )
            lines += self._line(_code(one.code, one.reason), 3)
            lines += self._each("", (f"{rule.rule}: {rule.says}" for rule in one.rules), 3, "dim")
            lines += self._each("", one.why, 3)
            lines += self._each(
                "came back ", (f"{rfc3339(back.at)}: {back.says}" for back in one.came_back), 3, "green"
            )
        yield from self._section("WHEN AND WHY", lines)

    def _held_back(self, held: Iterable[HeldBack]) -> Iterator[Text]:
        lines: list[Text] = []
        for one in held:
            what = f"{said(one.action, one.kind)}, login {one.institution_login_id}"
            ended = _ENDED[one.ended] + ("" if one.ended_at is None else f" {rfc3339(one.ended_at)}")
            lines += self._line(f"{rfc3339(one.since)}  {what}: {ended}", 0, "", "- ")
            lines += self._each("", (f"from {rfc3339(hold.since)}: {hold.says}" for hold in one.held_by), 2)
        yield from self._section("HELD BACK, AND WHY", lines)

    # -- how things stand

    def _now(self, now: Standing) -> Iterator[Text]:
        lines: list[Text] = []
        for account in now.accounts:
            code = _code(account.code, account.means or "")
            healthy = "" if account.healthy_at is None else f", last well {rfc3339(account.healthy_at)}"
            lines += self._line(f"account {account.account_id}: {account.phase}, {code}{healthy}", 0, "", "- ")
        for one in now.open:
            since = f"open since {rfc3339(one.opened_at)}"
            told = "nothing sent yet" if one.message_id is None else f"message {one.message_id}"
            lines += self._line(f"{one.kind}, login {one.institution_login_id}, {since}; {told}", 0, "", "- ")
        lines += self._each("- ", (f"login {login} asks for a passcode every time (R7)" for login in now.marked))
        for ahead in now.ahead:
            when = "no time ends it" if ahead.at is None else rfc3339(ahead.at)
            lines += self._line(f"{when}: {ahead.says}", 0, "cyan", "> ")
        yield from self._section("HOW THINGS STAND", lines)

    # -- the story

    def _entry(self, entry: Entry) -> Iterator[Text]:
        when = rfc3339(entry.at) + ("" if entry.until is None else f" to {rfc3339(entry.until)}")
        yield from self._line(f"{when}  {entry.says}", 0, "bold")
        came = entry.came
        if came is not None:
            place = "" if entry.offset is None else f", offset {entry.offset}"
            yield from self._line(f"came from the {came.source} as {came.type}{place}", 2, "dim")
            yield from self._line(f"event {came.event_id}", 2, "dim")
            of = (
                ("login", came.institution_login_id),
                ("institution", came.institution_id),
                ("attempted", came.attempted_at),
            )
            told = [f"{name} {_time(one) if isinstance(one, datetime) else one}" for name, one in of if one is not None]
            yield from self._line(", ".join(told), 2)
            yield from self._each("", came.details, 2)
        yield from self._aside(entry.set_aside)
        yield from self._decided(entry.decided)
        for sent in entry.sent:
            yield from self._sent(sent)
        yield from self._each("waits: ", entry.waits, 2, "cyan")
        yield from self._each("DIFFERS: ", entry.differs, 2, "red")
        if entry.is_ahead:
            yield from self._line("nothing is recorded of it yet: this release would act on it", 2, "yellow")

    def _decided(self, decided: Decided | None) -> Iterator[Text]:
        if decided is None:
            return
        if decided.outcome is not None:
            derived = " (derived: no record is left)" if decided.is_derived else ""
            yield from self._line(f"{decided.outcome}{derived}", 2)
        before, after = decided.phase_before, decided.phase_after
        if before != after:
            yield from self._line(f"phase {before or 'none'} -> {after or 'none'}", 2)
        yield from self._each("", (f"{one.rule}: {one.says}" for one in decided.rules), 2, "dim")

    def _aside(self, aside: SetAside | None) -> Iterator[Text]:
        if aside is None:
            return
        detail = "" if aside.detail is None else f": {aside.detail}"
        yield from self._line(f"DEAD LETTER, {aside.reason}{detail}", 2, "red")
        if aside.put_back is not None:
            yield from self._line(f"put back: its record is now {aside.put_back}", 2)
        elif aside.letter is not None:
            yield from self._line(f"see `txpush dead-letter show {aside.letter}`", 2)

    def _sent(self, sent: Sent) -> Iterator[Text]:
        topic = sent.topic.removeprefix(PREFIX)
        if sent.action is None:
            yield from self._line(f"a message on {topic}", 2, "yellow", "sent ")
        else:
            contact = " - A CONTACT" if sent.is_contact else ""
            accounts = f", accounts {', '.join(sent.account_ids)}" if sent.account_ids else ""
            yield from self._line(f"{said(sent.action, sent.kind)}{accounts}{contact}", 2, "green", "sent ")
        yield from self._line(f"message {sent.message_id}", 4, "dim")
        if sent.missing is not None:
            yield from self._line(sent.missing, 4, "yellow")
        if sent.reason is not None:
            yield from self._line(
                _code(sent.code, sent.reason) + (f": {', '.join(sent.steps)}" if sent.steps else ""), 4
            )
        if sent.not_after is not None:
            yield from self._line(f"do not contact anyone after {rfc3339(sent.not_after)}", 4)
        yield from self._each("why: ", sent.why, 4)
        yield from self._each("evidence: ", sent.evidence, 4, "dim")
        backs = (f"{rfc3339(one.at)}: {one.says}" for one in sent.came_back)
        yield from self._each("came back ", backs, 4, "green")


def _code(code: int | None, text: str) -> str:
    return text if code is None else f"{code}, {text}"


def _time(at: datetime | None) -> str:
    return "no record" if at is None else rfc3339(at)
