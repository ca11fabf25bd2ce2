"""The options by which dead letters are chosen."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click

from schemas.audit import DeadLetterReason
from schemas.contract.channels import Component
from schemas.times import parse_rfc3339, rfc3339
from streams.clock import WallClock
from streams.operate.letters.kept import READERS, Chosen, LetterId
from streams.operate.telling import span_in

F = TypeVar("F", bound=Callable[..., Any])


class Moment(click.ParamType):
    """A time: RFC 3339, or a span back from now as `90m`, `12h` or `3d`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's signature
        """Read the time."""
        if (span := span_in(value)) is not None:
            return self.now() - span
        try:
            return parse_rfc3339(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-11-01T03:00:00Z, or 90m, 12h or 3d ago", param, ctx)

    def now(self) -> datetime:
        """Give the present, from which a span goes back."""
        return WallClock().now()


class LetterName(click.ParamType):
    """The id of a dead letter, as `list` gives it."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LetterId:  # noqa: ANN401 - click's signature
        """Read the id."""
        found = LetterId.read(value)
        if found is None:
            self.fail(f"{value!r} is no id: `txpush dead-letter list` gives them, as 2/1041", param, ctx)
        return found


class Words(click.ParamType):
    """Text that is kept: some, and not more than a record takes."""

    name = "text"

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's signature
        """Take the text."""
        text = str(value)
        if not 1 <= len(text) <= self._limit:
            self.fail(f"write 1 to {self._limit} characters", param, ctx)
        return text


def choosing(command: F) -> F:
    """Give a command the options that choose dead letters."""
    components = [one.value for one in (Component.BRIDGE, *READERS.values())]
    for option in (
        click.option("--component", type=click.Choice(components), help="Who set them aside."),
        click.option("--partition", type=click.IntRange(0), metavar="N", help="Of one partition."),
        click.option("--topic", type=click.Choice(list(READERS)), help="Of records of one topic."),
        click.option("--until", type=Moment(), help="Written before: a time, or a span ago as 12h or 3d."),
        click.option("--since", type=Moment(), help="Written since: a time, or a span ago as 12h or 3d."),
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            type=click.Choice([one.value for one in DeadLetterReason]),
            help="Set aside for this; may be repeated.",
        ),
    ):
        command = option(command)
    return command


def chosen(given: dict[str, Any], *ids: LetterId) -> Chosen:
    """Take what was given out of the options of a command."""
    reasons = frozenset(DeadLetterReason(one) for one in given.pop("reasons"))
    component = given.pop("component")
    names = ("since", "until", "topic", "partition")
    return Chosen(
        frozenset(ids),
        reasons=reasons,
        component=None if component is None else Component(component),
        **{name: given.pop(name) for name in names},
    )


def as_options(choice: Chosen) -> str:
    """Write a choice as a command takes it: the ids first, and times as they are, whatever span they were given as."""
    options = {
        "--since": choice.since and rfc3339(choice.since),
        "--until": choice.until and rfc3339(choice.until),
        "--topic": choice.topic,
        "--partition": choice.partition,
        "--component": choice.component,
    }
    words = [*map(str, sorted(choice.ids)), *(f"--reason {reason}" for reason in sorted(choice.reasons))]
    return " ".join([*words, *(f"{name} {value}" for name, value in options.items() if value is not None)])
