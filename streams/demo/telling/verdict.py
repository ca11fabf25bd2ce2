"""Compares what arrived with what the rules demand; every difference in words, none when all is right."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from streams.demo.expected import Course, Expected, Lookup, Said
from streams.demo.reading.seen import Message, Seen


def differences(expected: Expected, seen: Seen) -> list[str]:
    """Give every difference: what is missing, unexpected, doubled, or leaked."""
    return [
        *_of_courses(expected.courses, seen.courses()),
        *(f"doubled: {_place(message)} came more than once" for message in seen.doubled()),
        *(f"missing: the message before {_place(message)}" for message in seen.gaps()),
        *_of_phases(expected.phases, seen.phases),
        *_of_letters(expected.dead_letters, [letter["reason"] for letter in seen.letters]),
        *_of_lookups(expected.lookups, seen.lookups),
        *(f"leaked: {leak}" for leak in seen.leaks),
    ]


def in_words(said: Said) -> str:
    """Say what a message says, e.g. `issue 185 answer_challenge`."""
    words = (said.action, said.withdraw_reason, str(said.code), ", ".join(said.steps))
    return " ".join(filter(None, words))


def course_in_words(said: Iterable[Said]) -> str:
    """Say what a command said from first to last; what is said several times in a row is counted."""
    runs = [(words, len(list(same))) for words, same in groupby(map(in_words, said))]
    return ", then ".join(words if times == 1 else f"{times} times {words}" for words, times in runs) or "nothing"


def _of_courses(expected: Iterable[Course], arrived: Iterable[Course]) -> Iterator[str]:
    """Pair what is missing with what came instead, so that one wrong step is one difference."""
    wanted, came = Counter(expected), Counter(arrived)
    extra = list((came - wanted).elements())
    for course in (wanted - came).elements():
        instead = next((e for e in extra if (e.subject, e.topic) == (course.subject, course.topic)), None)
        if instead is None:
            yield f"missing: {_title(course)}: {course_in_words(course.said)}"
            continue
        extra.remove(instead)
        yield (
            f"different: {_title(course)}: expected {course_in_words(course.said)}; "
            f"arrived {course_in_words(instead.said)}"
        )
    for course in extra:
        yield f"unexpected: {_title(course)}: {course_in_words(course.said)}"


def _of_phases(expected: dict[str, str], arrived: dict[str, str]) -> Iterator[str]:
    for account in sorted(expected.keys() | arrived.keys()):
        wanted, came = expected.get(account, "nothing"), arrived.get(account, "nothing")
        if wanted != came:
            yield f"different: account.health of {account}: expected {wanted}; arrived {came}"


def _of_letters(expected: Iterable[str], arrived: Iterable[str]) -> Iterator[str]:
    wanted, came = Counter(expected), Counter(arrived)
    yield from (f"missing: a dead letter, {reason}" for reason in (wanted - came).elements())
    yield from (f"unexpected: a dead letter, {reason}" for reason in (came - wanted).elements())


def _of_lookups(expected: Iterable[Lookup], arrived: Iterable[Lookup]) -> Iterator[str]:
    wanted, came = Counter(expected), Counter(arrived)
    yield from (f"missing: a lookup, {one.action} for {one.customer}" for one in (wanted - came).elements())
    yield from (f"unexpected: a lookup, {one.action} for {one.customer}" for one in (came - wanted).elements())


def _title(course: Course) -> str:
    return f"{course.topic} of {course.subject}"


def _place(message: Message) -> str:
    return f"{message.topic} of {message.subject}, sequence {message.sequence} ({in_words(message.said)})"
