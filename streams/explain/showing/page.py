"""A story as a page: one file with nothing from anywhere else, to be shown, sent or printed; no script and no link."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape

from schemas.times import rfc3339
from streams.explain.showing.style import STYLE
from streams.explain.story import CameBack, Contact, Decided, Entry, HeldBack, RuleSaid, Sent, SetAside, Standing, Story
from streams.explain.wording.words import said

_ENDED = {"sent": "sent", "not_needed": "needed no more", None: "waits still"}


def page(story: Story) -> str:
    """Give the document."""
    title = escape(f"Customer {story.customer}")
    body = "\n".join(part for part in _body(story) if part)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex, nofollow">\n<meta name="referrer" content="no-referrer">\n'
        "<meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _body(story: Story) -> Iterator[str]:
    about = "" if story.account is None else f", account {_id(story.account)}"
    yield f"<h1>Customer {_id(story.customer)}{about}</h1>"
    yield _p(f"as of {_time(story.as_of)}; partition {story.partition} of {escape(story.origin)}", "small")
    rules = f"policy {story.policy_version}, catalogue {story.catalogue_version}, engine {story.engine_version}"
    yield _p(escape(rules), "small")
    if story.forgotten_at is not None:
        yield _p(f"forgotten {_time(story.forgotten_at)}: nobody is named", "warns")
    yield f'<section class="answer">{"".join(_p(escape(one)) for one in story.summary.says)}</section>'
    yield _section("When and why", "ol", map(_contact, story.summary.contacts))
    yield _section("Held back, and why", "ul", map(_held, story.summary.held_back))
    yield _section("How things stand", "ul", _now(story.now))
    yield _section("What happened", "ol", map(_entry, story.entries), "story")
    yield _section("What this lacks", "ul", (f"<li>{escape(note)}</li>" for note in story.notes))


# -- the answer


def _contact(one: Contact) -> str:
    return _item(
        f"<b>{_time(one.at)} {escape(said(one.action, one.kind))}</b>, login {_id(one.institution_login_id)}",
        escape(_code(one.code, one.reason)),
        *_rules(one.rules),
        *map(escape, one.why),
        *_backs(one.came_back),
    )


def _held(one: HeldBack) -> str:
    ended = _ENDED[one.ended] + ("" if one.ended_at is None else f" {_time(one.ended_at)}")
    what = f"<b>{_time(one.since)} {escape(said(one.action, one.kind))}</b>, login {_id(one.institution_login_id)}"
    return _item(f"{what}: {ended}", *(f"from {_time(hold.since)}: {escape(hold.says)}" for hold in one.held_by))


def _now(now: Standing) -> Iterator[str]:
    for account in now.accounts:
        healthy = "" if account.healthy_at is None else f", last well {_time(account.healthy_at)}"
        code = escape(_code(account.code, account.means or ""))
        yield _item(f"account {_id(account.account_id)}: {escape(account.phase)}, {code}{healthy}")
    for one in now.open:
        told = "nothing sent yet" if one.message_id is None else f"message {_id(one.message_id)}"
        what = f"{escape(one.kind)}, login {_id(one.institution_login_id)}"
        yield _item(f"{what}, open since {_time(one.opened_at)}; {told}")
    for login in now.marked:
        yield _item(f"login {_id(login)} asks for a passcode every time (R7)")
    for ahead in now.ahead:
        when = "no time ends it" if ahead.at is None else _time(ahead.at)
        yield f'<li class="ahead">{when}: {escape(ahead.says)}</li>'


# -- the story


def _entry(entry: Entry) -> str:
    when = _time(entry.at) + ("" if entry.until is None else f" to {_time(entry.until)}")
    return _item(
        f"<b>{when} {escape(entry.says)}</b>",
        *_came(entry),
        *_aside(entry.set_aside),
        *_decided(entry.decided),
        *map(_sent, entry.sent),
        *(f'<span class="ahead">waits: {escape(one)}</span>' for one in entry.waits),
        *(f'<span class="warns">differs: {escape(one)}</span>' for one in entry.differs),
        *(['<span class="warns">nothing is recorded of it yet</span>'] if entry.is_ahead else []),
    )


def _came(entry: Entry) -> Iterator[str]:
    came = entry.came
    if came is None:
        return
    place = "" if entry.offset is None else f", offset {entry.offset}"
    whence = f"from the {escape(came.source)} as {escape(came.type)}{place}"
    yield f'<span class="small">{whence}; event {_id(came.event_id)}</span>'
    names = (("login", came.institution_login_id), ("institution", came.institution_id))
    told = [f"{name} {_id(one)}" for name, one in names if one is not None]
    told += [] if came.attempted_at is None else [f"attempted {_time(came.attempted_at)}"]
    if told:
        yield ", ".join(told)
    yield from map(escape, came.details)


def _decided(decided: Decided | None) -> Iterator[str]:
    if decided is None:
        return
    if decided.outcome is not None:
        yield escape(decided.outcome) + (" (derived: no record is left)" if decided.is_derived else "")
    if decided.phase_before != decided.phase_after:
        yield f"phase {escape(decided.phase_before or 'none')} → {escape(decided.phase_after or 'none')}"
    yield from _rules(decided.rules)


def _aside(aside: SetAside | None) -> Iterator[str]:
    if aside is not None:
        detail = "" if aside.detail is None else f": {escape(aside.detail)}"
        letter = "" if aside.letter is None else f", letter {_id(aside.letter)}"
        put_back = "" if aside.put_back is None else f"; put back to {_id(aside.put_back)}"
        yield f'<span class="warns">dead letter, {escape(aside.reason)}{detail}{letter}{put_back}</span>'


def _sent(sent: Sent) -> str:
    if sent.action is None:
        return f'<div class="sent warns">message {_id(sent.message_id)}: {escape(sent.missing or "")}</div>'
    contact = ' <span class="contact">contact</span>' if sent.is_contact else ""
    steps = f": {', '.join(sent.steps)}" if sent.steps else ""
    accounts = f", accounts {', '.join(map(_id, sent.account_ids))}" if sent.account_ids else ""
    lines = [
        f"<b>sent: {escape(said(sent.action, sent.kind))}</b>{accounts}{contact}",
        f'<span class="small">message {_id(sent.message_id)}</span>',
        *([] if sent.missing is None else [f'<span class="warns">{escape(sent.missing)}</span>']),
        *([] if sent.reason is None else [escape(_code(sent.code, sent.reason) + steps)]),
        *([] if sent.not_after is None else [f"do not contact anyone after {_time(sent.not_after)}"]),
        *(f"why: {escape(one)}" for one in sent.why),
        *(f'<span class="small">evidence: {escape(one)}</span>' for one in sent.evidence),
        *_backs(sent.came_back),
    ]
    return f'<div class="sent">{"<br>".join(lines)}</div>'


# -- parts


def _section(title: str, tag: str, items: Iterable[str], kind: str = "") -> str:
    found = "\n".join(items)
    return f'<section><h2>{title}</h2>\n<{tag} class="{kind}">\n{found}\n</{tag}></section>' if found else ""


def _item(head: str, *lines: str) -> str:
    return f"<li>{head}{''.join(f'<div>{line}</div>' for line in lines)}</li>"


def _p(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{text}</p>'


def _rules(rules: Iterable[RuleSaid]) -> Iterator[str]:
    return (f'<span class="small"><b>{escape(one.rule)}</b> {escape(one.says)}</span>' for one in rules)


def _backs(backs: Iterable[CameBack]) -> Iterator[str]:
    return (f'<span class="back">came back {_time(one.at)}: {escape(one.says)}</span>' for one in backs)


def _id(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _code(code: int | None, text: str) -> str:
    return text if code is None else f"{code}, {text}"


def _time(at: datetime | None) -> str:
    return "no record" if at is None else f"<time>{rfc3339(at)}</time>"
