"""`txpush dead-letter list|show|retry`."""

import sys
from typing import Any

import click

from streams.clock import WallClock
from streams.exits import EXIT_NOTHING, EXIT_OTHERWISE, refuse
from streams.groups import Commands
from streams.kafka.access import Access
from streams.kafka.topics import EVENTS
from streams.operate.letters import telling
from streams.operate.letters.advice import advised
from streams.operate.letters.book import Book, read_letters
from streams.operate.letters.choosing import LetterName, Words, choosing, chosen
from streams.operate.letters.forgets import FORGOTTEN_BEHIND, forgets_behind
from streams.operate.letters.kept import Chosen, LetterId
from streams.operate.letters.originals import is_of, obstacle, reading_originals
from streams.operate.letters.retry import Done, Order, Plan, plan, put_back
from streams.operate.telling import agreed, read, run
from streams.settings import Settings, read_settings

AT_ONCE, LOOKED_AT = 1000, 20_000
"""Records that one run puts back, and dead letters that it chooses them from, at most."""


@click.group("dead-letter", cls=Commands)
def dead_letter() -> None:
    """See what was set aside and why, and put it back once it can be decided on.

    A record that cannot be read or decided on holds nobody up: it becomes a dead letter, kept for 14 days.

    \b
    Examples:
      txpush dead-letter list --since 12h
      txpush dead-letter show 2/1041
      txpush dead-letter retry --reason decision_failed --by ann --why "release 1.4 mends it"
    """  # noqa: D301 - click wants the real character


@dead_letter.command("list")
@choosing
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="The latest so many.")
def list_(limit: int, **given: Any) -> None:  # noqa: ANN401 - by the options above
    """List dead letters: words on a terminal, else a line of JSON each; then how many of each reason, and what to do.

    \b
    Examples:
      txpush dead-letter list --since 12h
      txpush dead-letter list --reason decision_failed --topic aggregation.events --partition 2
      txpush dead-letter list --component bridge --since 2026-11-01T03:00:00Z --limit 50 | jq .detail
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    book = read(settings, read_letters(Access.of(settings), chosen(given), limit))
    objects = (telling.as_line(telling.as_object(kept, book.retries(kept))) for kept in book.letters)
    for line in telling.as_lines(book) if sys.stdout.isatty() else objects:
        click.echo(line)
    for line in (*telling.counted(book), *advised(book)):
        click.echo(line, err=True)


@dead_letter.command()
@click.argument("letter_id", type=LetterName(), metavar="ID")
def show(letter_id: LetterId) -> None:
    """Show everything that is kept of a dead letter, and whether its record can be put back.

    Of the record itself only what can name nobody: ids, codes, dates and attributes.

    \b
    Examples:
      txpush dead-letter show 2/1041
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    whole = read(settings, _whole(settings, letter_id))
    if whole is None:
        refuse(f"there is no dead letter {letter_id}, or not any more: see `txpush dead-letter list`")
    lines = telling.as_page(whole) if sys.stdout.isatty() else [telling.as_line(whole)]
    click.echo("\n".join(lines))


async def _whole(settings: Settings, letter_id: LetterId) -> dict[str, Any] | None:
    book = await read_letters(Access.of(settings), Chosen(frozenset({letter_id})), 1)
    if not book.letters:
        return None
    kept, original = book.letters[0], None
    if kept.origin is not None:
        async with reading_originals(Access.of(settings)) as originals:
            original = await originals.read(kept.origin)
    retries = book.retries(kept)
    why = obstacle(kept, retries, original)
    if not why:
        forgets = await forgets_behind(Access.of(settings), [kept])
        why = FORGOTTEN_BEHIND if forgets.has(kept) else ""
    is_its_own = original is not None and is_of(original, kept)
    return telling.as_whole(kept, retries, original if is_its_own else None, why)


@dead_letter.command()
@click.argument("ids", nargs=-1, type=LetterName(), metavar="[ID]...")
@choosing
@click.option("--by", required=True, type=Words(200), metavar="NAME", help="Who decides: kept with the dead letter.")
@click.option("--why", required=True, type=Words(500), metavar="TEXT", help="Why: kept with the dead letter.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def retry(ids: tuple[LetterId, ...], by: str, why: str, *, dry_run: bool, yes: bool, **given: Any) -> None:  # noqa: ANN401 - by the options above
    """Put the records of dead letters back into the log, to be decided on anew; those of the IDs, or those chosen.

    Each comes behind what is in the log by now, under its own id and time: what the rules have seen meanwhile of the
    same attempt stays as it is. A record is put back once; if it fails again, it is a dead letter anew. What cannot be
    put back is named, with what helps instead. Ends with 0 when all were put back, 1 when some could not be or you say
    no, 2 when nothing was.

    \b
    Examples:
      txpush dead-letter retry 2/1041 2/1042 --by ann --why "release 1.4 mends it"
      txpush dead-letter retry --reason decision_failed --since 3d --dry-run --by ann --why "to see"
    """  # noqa: D301 - click wants the real character
    if not ids and all(value in (None, ()) for value in given.values()):
        refuse("name dead letters, or choose them, as with --reason decision_failed; nothing was written")
    settings = read_settings()
    book = run(settings, read_letters(Access.of(settings), chosen(given, *ids), LOOKED_AT))
    _refuse_what_is_not_there(book, ids)
    planned = run(settings, plan(Access.of(settings), book, AT_ONCE))
    for line in telling.planned(planned):
        click.echo(line)
    if not planned.ready:
        refuse("nothing was written")
    if dry_run:
        return
    agreed(f"put {len(planned.ready):,} records back into {EVENTS}?", yes=yes)
    order = Order(by, why, WallClock().now())
    _end(planned, run(settings, put_back(Access.of(settings), planned, order)))


def _refuse_what_is_not_there(book: Book, ids: tuple[LetterId, ...]) -> None:
    if missing := set(ids) - {kept.id for kept in book.letters}:
        named = ", ".join(map(str, sorted(missing)))
        refuse(f"there is no dead letter {named}, or not any more: see `txpush dead-letter list`; nothing was written")
    if book.total > LOOKED_AT:
        refuse(
            f"{book.total:,} dead letters are like that, more than the {LOOKED_AT:,} that one run looks at: choose "
            "fewer, with --since, --until or --partition, the oldest first; nothing was written"
        )


def _end(planned: Plan, done: Done) -> None:
    for line in telling.told(done, len(planned.ready)):
        click.echo(line)
    if done.stopped:
        sys.exit(EXIT_OTHERWISE if done.written else EXIT_NOTHING)
    if planned.left or planned.later:
        sys.exit(EXIT_OTHERWISE)
