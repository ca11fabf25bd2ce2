"""What to do next about dead letters: what to mend, by the reason, and whether their records can be put back."""

from collections.abc import Iterator
from dataclasses import replace

from schemas.audit import DeadLetterReason
from schemas.contract.channels import Component
from streams.operate.letters.book import Book
from streams.operate.letters.choosing import as_options
from streams.operate.letters.kept import Chosen
from streams.operate.letters.originals import NO_ORIGINAL

OTHER_WRITER = "`show` says who wrote it: have that program mended, or start a release that can read it"
FOREIGN = "somebody else writes into the log: `txpush topics acls --check` lists who may do too much"
FORM = "the vendor, or somebody in its place, has changed a form: `show` says what could not be read"
MEND = {
    DeadLetterReason.NOT_A_CLOUD_EVENT: OTHER_WRITER,
    DeadLetterReason.BAD_TIME: OTHER_WRITER,
    DeadLetterReason.BAD_DATA: OTHER_WRITER,
    DeadLetterReason.WRONG_PARTITION: FOREIGN,
    DeadLetterReason.SOURCE_NOT_ALLOWED: FOREIGN,
    DeadLetterReason.NO_ACCOUNT: FORM,
    DeadLetterReason.UNREADABLE_BODY: FORM,
    DeadLetterReason.DECISION_FAILED: (
        "a fault of txpush: the log of whoever set it aside has one trace of each kind; start a release without it"
    ),
    DeadLetterReason.REQUEST_REFUSED: "`show` says what the vendor could not use, or for whom too many wait",
}
"""What is wrong, and who mends it."""
STAYS = "put back as it is it would be refused again"
SHOW = "all that is kept of one, and whether it can be put back: `txpush dead-letter show {one}`"


def next_step(reason: DeadLetterReason, component: Component | None, chosen: Chosen) -> str:
    """Say what to do about letters of a reason that a component has set aside, those of a choice and no others."""
    return f"{MEND[reason]}; {_put_back(reason, component, chosen)}"


def _put_back(reason: DeadLetterReason, component: Component | None, chosen: Chosen) -> str:
    if component is not Component.AGENT:
        return f"nothing can be put back: {NO_ORIGINAL[component]}"
    if reason is DeadLetterReason.SOURCE_NOT_ALLOWED:
        return STAYS
    same = as_options(replace(chosen, reasons=frozenset({reason}), component=component))
    return f"then `txpush dead-letter retry {same} --by YOU --why WHY`"


def advised(book: Book) -> Iterator[str]:
    """Give a line for each reason and who gave it, the most frequent first, and how to look at one; none for none."""
    for (reason, component), count in book.sorts.most_common():
        yield f"{count:,} {reason} by {component or 'another program'}: {next_step(reason, component, book.chosen)}"
    for kept in book.letters[-1:]:
        yield SHOW.format(one=kept.id)
