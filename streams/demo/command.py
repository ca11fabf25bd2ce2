"""`txpush demo`: everything on one machine, and an exit code that says whether the rules were kept."""

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import httpx
from aiokafka.errors import KafkaError
from rich import box
from rich.console import Console
from rich.table import Table

from streams.demo.expected import EXPECTED, Expected
from streams.demo.pause import pause
from streams.demo.play import Play
from streams.demo.reading.seen import Seen
from streams.demo.scene import Scene
from streams.demo.stage.processes import DemoError
from streams.demo.telling.board import Board
from streams.demo.telling.table import PREFIX, Display
from streams.demo.telling.verdict import course_in_words, differences
from streams.exits import EXIT_INTERRUPTED, EXIT_NOTHING, EXIT_OTHERWISE, STOP_SIGNALS, asked_by_signals
from streams.kafka.applied import TopicsError
from streams.kafka.embedded import ClusterSpec, EmbeddedKafka, EmbeddedKafkaError
from streams.kafka.embedded.command import Asked, ask_to_end, progress_bar
from streams.kafka.topics import DEAD_LETTER, HEALTH
from streams.observe.logs import LogOptions, log_to_stderr

END_ATTEMPTS = 3
END_SECONDS = 10.0


@click.command()
@click.option("--pause", "is_paused", is_flag=True, help="Leave all running at the end, until Ctrl-C.")
def demo(*, is_paused: bool) -> None:
    """See the whole flow on this machine: broker, sandbox of the vendor, bridge, two agents, institutions, executor.

    First what becomes of eighteen customers on one morning, with an agent killed on the way; then a customer of FinBank
    connects, is asked a question by the bank, answers it through the link of a command, and is asked again in the
    nights after, which pass in two seconds each. Reads every command back with a consumer of its own, and compares what
    came with what the rules demand. Takes a minute after the first download (45 MB).

    With --pause everything stays up, and the addresses are printed: of the vendor's page, of a customer's link, of the
    metrics.

    Exits 0 when all is as it should be, 1 with the differences, 2 when it could not run, 130 when interrupted; with
    --pause Ctrl-C ends it with the code of the story.

    \b
    Examples:
      txpush demo
      txpush demo --pause
      txpush demo > demo.log      one line a decision, for CI
    """  # noqa: D301 - click wants the real character
    for how in STOP_SIGNALS:
        signal.signal(how, ask_to_end)
    console, folder, code = Console(), Path(tempfile.mkdtemp(prefix="txpush-demo-")), EXIT_NOTHING
    with (folder / "demo.log").open("w") as log:
        log_to_stderr(LogOptions("demo", level=logging.WARNING), log)
        try:
            code = _run(console, folder, is_paused=is_paused)
        finally:
            logging.shutdown()
            _put_away(console, folder, code)
    sys.exit(code)


def _put_away(console: Console, folder: Path, code: int) -> None:
    """Remove the workers' logs, unless somebody will want to read them."""
    if code in {EXIT_OTHERWISE, EXIT_NOTHING} and any(log.stat().st_size for log in folder.iterdir() if log.is_file()):
        _say(console, f"The logs of the workers are kept in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _run(console: Console, folder: Path, *, is_paused: bool) -> int:
    board = Board()
    _say(console, f"{board.now():5.1f} s  starting Kafka")
    try:
        with progress_bar() as progress, EmbeddedKafka(ClusterSpec(), progress) as kafka:
            return asyncio.run(_play(console, kafka, folder, board, is_paused=is_paused))
    except Asked:
        _say(console, "Interrupted; everything that was started has been ended.")
        return EXIT_INTERRUPTED
    except DemoError as error:
        _say(console, f"The demo could not go on: {error}\n{error.details}".rstrip())
    except (EmbeddedKafkaError, TopicsError) as error:
        _say(console, f"The demo could not go on: {error}")
    except (KafkaError, httpx.HTTPError, OSError) as error:
        said = str(error) or "no answer in time"
        _say(console, f"The demo could not go on: {type(error).__name__}: {said}; run it again, with less beside it.")
    return EXIT_NOTHING


async def _play(console: Console, kafka: EmbeddedKafka, folder: Path, board: Board, *, is_paused: bool) -> int:
    asked, codes = asked_by_signals(), list[int]()

    async def judge_and_pause(scene: Scene) -> None:
        display.settle()
        codes.append(judge(console, EXPECTED, scene.seen, board.now(), play.missed))
        await pause(scene, asked)

    with Display(console) as display:
        play = Play(kafka, folder, display, board)
        run = asyncio.create_task(play.run(judge_and_pause if is_paused else None))
        asking = asyncio.create_task(asked.wait())
        await asyncio.wait({run, asking}, return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        if codes:
            await asyncio.wait({run}, timeout=END_SECONDS)
        if not run.done():
            await _end(run)
            raise Asked
        await run
    return codes[0] if codes else judge(console, EXPECTED, play.seen, board.now(), play.missed)


async def _end(run: asyncio.Task[None]) -> None:
    """Cancel the run, again where a library has swallowed it; the guards end what it leaves."""
    for _ in range(END_ATTEMPTS):
        run.cancel()
        await asyncio.wait({run}, timeout=END_SECONDS)
        if run.done():
            break
    if run.done() and not run.cancelled():
        # What broke while everything was being ended is no news.
        run.exception()


def judge(console: Console, expected: Expected, seen: Seen, seconds: float, missed: Sequence[str] = ()) -> int:
    """Print what was expected beside what came, and the difference; give the exit code.

    Something `missed` is one too: the story went no further.
    """
    found = [*(f"the story ends early: {what}" for what in missed), *differences(expected, seen)]
    console.print(summary(expected, seen))
    leaks = f"{len(seen.leaks)}!" if seen.leaks else "none"
    _say(console, f"\n{seen.records} records read; names, numbers and balances among them: {leaks}")
    if found:
        _say(console, "\n".join(["", f"NOT as the rules demand ({len(found)}):", *(f"  {line}" for line in found)]))
        return EXIT_OTHERWISE
    _say(console, f"As the rules demand: nothing missing, doubled or unexpected, in {seconds:.0f} s.")
    return 0


def summary(expected: Expected, seen: Seen) -> Table:
    """Give a table of the expected commands, phases and dead letters with whether they came."""
    table = Table(title="Summary", title_justify="left", box=box.SIMPLE_HEAD, expand=True, show_edge=False)
    table.add_column("topic", width=23)
    table.add_column("key", width=10)
    table.add_column("expected", ratio=1)
    table.add_column("came", width=4)
    arrived = seen.courses()
    for course in expected.courses:
        came = arrived.count(course) == expected.courses.count(course)
        table.add_row(
            course.topic.removeprefix(PREFIX), course.subject, course_in_words(course.said), "yes" if came else "NO"
        )
    came = Counter(seen.lookups) == Counter(expected.lookups)
    wanted = ", ".join(f"{one.action} for {one.customer}" for one in expected.lookups)
    table.add_row("lookup", "", wanted, "yes" if came else "NO")
    as_expected = sum(seen.phases.get(account) == phase for account, phase in expected.phases.items())
    total = len(expected.phases)
    table.add_row(HEALTH, "", f"{total} accounts in their phase", "yes" if as_expected == total else "NO")
    letters = sorted(letter["reason"] for letter in seen.letters)
    came = letters == sorted(expected.dead_letters)
    table.add_row(DEAD_LETTER, "", ", ".join(expected.dead_letters), "yes" if came else "NO")
    return table


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
