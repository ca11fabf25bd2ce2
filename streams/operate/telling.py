"""How the commands of operators ask, run and end: in words, with an exit code."""

import asyncio
import re
import sys
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from typing import Any, NoReturn, TypeVar

import click
from aiokafka.errors import KafkaError
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from schemas.problems import words_of
from streams.exits import EXIT_NOTHING, EXIT_OTHERWISE, refuse
from streams.kafka.access import Access, ClusterError
from streams.kafka.present import require_clock
from streams.kafka.refusals import keep_to_words, unanswered
from streams.operate.acts import Act
from streams.operate.differences import spans
from streams.operate.writing import OperateError, Outcome, write
from streams.settings import Settings

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
SPAN = re.compile(r"(\d{1,5})([mhd])")
UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def signed(command: F) -> F:
    """Ask a command for who decides and why: both go into the log."""
    reason = click.option("--reason", required=True, metavar="TEXT", help="Why: kept in the log, 500 characters.")
    by = click.option("--by", required=True, metavar="NAME", help="Who decides: kept in the log, 200 characters.")
    return by(reason(command))


def span_in(text: str) -> timedelta | None:
    """Read a span as operators type it: `90m`, `12h` or `3d`; None for anything else."""
    found = SPAN.fullmatch(text)
    return None if found is None else timedelta(**{UNITS[found[2]]: int(found[1])})


def refuse_data(error: ValidationError, names: dict[str, str]) -> NoReturn:
    """End with what the record of a decision does not take, under the names of the options."""
    lines = []
    for one in error.errors(include_url=False, include_input=False):
        field, text = str(one["loc"][0]) if one["loc"] else "", words_of(one)
        if one["type"] == "string_pattern_mismatch":
            text = "an id has neither spaces nor slashes"
        for name, option in names.items():
            text = text.replace(to_camel(name), option) if "_" in name else text
        lines.append(f"{names.get(field, field)}: {text}".removeprefix(": "))
    refuse("\n".join([*lines, "nothing was written; see --help for examples"]))


def agreed(question: str, *, yes: bool) -> None:
    """Go on if the operator says so, or `--yes` does; else end without doing anything."""
    if yes:
        return
    try:
        if click.confirm(question, err=True):
            return
    except (click.Abort, RuntimeError):  # the latter where standard input is closed
        sys.stderr.write("\nnobody answered: use --yes in scripts\n")
    sys.stderr.write("nothing was written\n")
    sys.exit(EXIT_OTHERWISE)


def read(settings: Settings, request: Coroutine[Any, Any, T]) -> T:
    """Wait for what Kafka has, or end with what to do next."""
    return _waited(settings, request, "")


def run(settings: Settings, request: Coroutine[Any, Any, T]) -> T:
    """Wait for Kafka's answer on the way to writing, or end with what to do next."""
    return _waited(settings, request, "; nothing was written")


def _waited(settings: Settings, request: Coroutine[Any, Any, T], so: str) -> T:
    keep_to_words()
    try:
        return asyncio.run(request)
    except (OperateError, ClusterError, LookupError) as error:
        refuse(f"{error}{so}")
    except (KafkaError, OSError, TimeoutError) as error:
        refuse(unanswered(Access.of(settings), error, so))


def carry_out(settings: Settings, act: Act, decided: str | None = None) -> None:
    """Write a decision, say what was `decided` and where it is, and end with 1 or 2 unless it is everywhere."""
    outcome = run(settings, _written(settings, act))
    if decided is not None and outcome.written:
        click.echo(decided)
    for line in told(outcome):
        click.echo(line)
    if outcome.failed:
        click.echo(_advice(outcome), err=True)
        sys.exit(EXIT_OTHERWISE if outcome.written else EXIT_NOTHING)


async def _written(settings: Settings, act: Act) -> Outcome:
    """Write it, unless its time is of a clock that the cluster does not allow."""
    await require_clock(settings)
    return await write(act, Access.of(settings), settings.partitions)


def told(outcome: Outcome) -> Iterable[str]:
    """Give a line a topic with partitions and offsets, and a line for each partition that may lack the record."""
    for topic in dict.fromkeys(receipt.topic for receipt in outcome.written):
        places = [f"{one.partition} at {one.offset}" for one in sorted(outcome.written) if one.topic == topic]
        yield f"written to {topic}: {', '.join(places)}"
    for topic, partition, why in outcome.failed:
        yield f"not known to be in {topic}{'' if partition is None else f' {partition}'}: {why}"


def _advice(outcome: Outcome) -> str:
    if not outcome.written:
        return "no partition is known to have it: look at the broker, then run the same again; twice is as once"
    lacking = {
        topic: spans([one.partition for one in outcome.failed if one.topic == topic and one.partition is not None])
        for topic in dict.fromkeys(one.topic for one in outcome.failed)
    }
    where = ", ".join(f"{topic} {numbers}".strip() for topic, numbers in lacking.items())
    return f"all but {where} have it: run the same again when Kafka is well; where it is already, twice is as once"
