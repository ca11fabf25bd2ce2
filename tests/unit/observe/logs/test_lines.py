"""Lines of the log: one form for what we and libraries say, and nothing in them that names or forges."""

import asyncio
import gc
import io
import logging
import re
import sys
import threading
from collections.abc import Iterator

import pytest
from aiokafka.errors import KafkaConnectionError

from streams.observe.logs import LogFormat
from streams.observe.logs.limit import LimitedHandler
from streams.observe.logs.rendering import line_formatter
from tests.written import Written, written_log

MARK = "7000000042"
log = logging.getLogger("streams.some.place")


@pytest.fixture
def written() -> Iterator[Written]:
    with written_log() as log_of_this:
        yield log_of_this


def test_a_line_is_an_object(written: Written) -> None:
    """Time in UTC, level, place, what was said, who says it, and the fields that it came with."""
    written.begin()
    log.warning("partition %d is paused", 3, extra={"topic": "aggregation.events", "partition": 3})
    (line,) = written.objects
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line == {
        "level": "warning",
        "logger": "streams.some.place",
        "event": "partition 3 is paused",
        "component": "agent",
        "instance": "agent-0",
        "topic": "aggregation.events",
        "partition": 3,
    }


def test_people_read_the_same(written: Written) -> None:
    """A line begins with time, level and place; fields are behind the words; nothing is coloured in a file."""
    written.begin("human")
    log.warning("it is paused", extra={"partition": 3, "why": "too many", "rules": ["R3", "R8"]})
    told = r'\S+Z WARNING streams\.some\.place it is paused partition=3 why="too many" rules=\["R3","R8"\]\n'
    assert re.fullmatch(told, written.text)


def test_libraries_say_it_in_the_same_form_and_only_what_is_wrong(written: Written) -> None:
    """At debug, too, aiokafka, Faust and httpx warn only: below that they quote records and name customers."""
    written.begin(level=logging.DEBUG)
    for name in ("aiokafka.conn", "faust.app.base", "httpx", "streams.some.place"):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING):
            logging.getLogger(name).log(level, "said")
    heard = [(line["logger"], line["level"]) for line in written.objects]
    ours = [("streams.some.place", level) for level in ("debug", "info", "warning")]
    assert heard == [("aiokafka.conn", "warning"), ("faust.app.base", "warning"), ("httpx", "warning"), *ours]


@pytest.mark.parametrize("form", ["json", "human"])
def test_nobody_forges_a_line(written: Written, form: LogFormat) -> None:
    """What somebody sent stays on the line that quotes it, without escapes that a terminal would follow."""
    written.begin(form)
    log.warning(
        "it came from %s", "x\n2026-01-01T00:00:00Z INFO all is well\x1b[2J\x9b\u2028\u202e", extra={"by": "a\nb\u2066"}
    )
    assert len(written.text.splitlines()) == 1
    assert all(character.isprintable() for character in written.text.rstrip("\n"))


@pytest.mark.parametrize("form", ["json", "human"])
def test_half_of_a_character_stops_no_line(form: str) -> None:
    """Text that no UTF-8 can hold, as of a body that nobody could read, is a line all the same."""
    record = logging.LogRecord("streams.some.place", logging.WARNING, "", 0, "it has %s", ("\udc80",), None)
    line = line_formatter(form, {}).format(logging.makeLogRecord(record.__dict__ | {"by": "\udc80", "more": {1: "a"}}))
    assert "it has " in line
    assert "\n" not in line


@pytest.mark.parametrize("form", ["json", "human"])
def test_an_error_says_where_and_not_whom(written: Written, form: LogFormat) -> None:
    """Traces and arguments name kinds and places: what errors say may quote a record. Brokers' errors are told."""
    written.begin(form)
    try:
        try:
            dict[str, str]().pop(MARK)
        except KeyError as error:
            raise ExceptionGroup(MARK, [ValueError(MARK), KafkaConnectionError("no broker")]) from error
    except ExceptionGroup as error:
        log.exception("it failed: %r, %s", error, error)  # noqa: TRY401 - libraries do it
    assert MARK not in written.text
    assert "test_an_error_says_where_and_not_whom" in written.text
    assert [kind in written.text for kind in ("KeyError", "ValueError", "KafkaConnectionError: no broker")] == [
        True
    ] * 3


def test_nobody_forges_a_line_of_a_trace(written: Written) -> None:
    """What an error that is told says is one line of its trace, whoever has put which words into it."""
    written.begin("human")
    log.error("it failed", exc_info=OSError("x\n2026-01-01T00:00:00Z INFO all is well\x1b[2J"))
    last = written.text.splitlines()[-1]
    assert last == r"OSError: x\n2026-01-01T00:00:00Z INFO all is well\x1b[2J"


@pytest.mark.parametrize("form", ["json", "human"])
def test_a_line_that_cannot_be_made_is_told_without_its_values(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A fault in a call of the log, of a library's perhaps, says where it is; Python would print the arguments."""
    stream = io.StringIO()
    handler = LimitedHandler(stream)
    handler.setFormatter(line_formatter(form, {}))
    for template, arguments in (("it took %d s", (MARK,)), ("%s", (MARK, MARK))):
        handler.handle(logging.LogRecord("aiokafka.conn", logging.WARNING, "conn.py", 7, template, arguments, None))
    assert stream.getvalue().count("a line of conn.py:7 could not be written: TypeError") == 2
    assert MARK not in stream.getvalue() + "".join(capsys.readouterr())


def test_an_error_that_leads_back_to_itself_ends(written: Written) -> None:
    """Causes that go round in a circle are told once each."""
    written.begin()
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    log.error("round", exc_info=first)
    assert written.objects[0]["exception"].count("Traceback") == 2


async def test_a_forgotten_task_names_nobody(written: Written) -> None:
    """Asyncio shows a task with its error; the line has the place instead."""

    async def fails() -> None:
        raise KeyError(MARK)

    written.begin()
    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    del task
    gc.collect()
    (line,) = written.objects
    assert line["event"] == "Task exception was never retrieved"
    assert "in fails" in line["exception"]
    assert "7000000042'" not in written.text


def test_what_ends_a_process_or_a_thread_is_a_line(written: Written) -> None:
    """Not the trace that Python prints, with what the error says."""
    written.begin()
    error = KeyError(MARK)
    sys.excepthook(KeyError, error, None)
    failing = threading.Thread(target=dict[str, str]().pop, args=(MARK,))
    failing.start()
    failing.join(10)
    assert [line["event"] for line in written.objects] == ["ended by an error", "a thread was ended by an error"]
    assert f"KeyError: '{MARK}'" not in written.text


def test_the_second_call_takes_the_place_of_the_first(written: Written) -> None:
    """A line is written once, in the form that was told last."""
    written.begin("human")
    written.begin("json")
    log.info("once")
    assert [line["event"] for line in written.objects] == ["once"]
