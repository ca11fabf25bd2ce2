"""How processes end: the exit codes of every command, ends that do not wait, and readers who are no reason to end."""

import asyncio
import contextlib
import errno
import io
import logging
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

EXIT_OK = 0
EXIT_OTHERWISE = 1
"""Not as it was asked for: a part failed or was left out, something differs, or the operator said no."""
EXIT_NOTHING = 2
"""Nothing was done: the words say what to mend first."""
EXIT_CRASH = 70
"""`EX_SOFTWARE`: start me again."""
EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C, as a shell has it: says nothing of what was asked for."""

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
"""What asks a process to end: the first of a supervisor, the second of a terminal."""

WORDS_SECONDS = 2.0
"""How long a crash waits for its last words to be written."""

STOPPING = "%s: stopping within %g s"
ENDED = "ended in order"
"""What each process that runs until a signal says of its end, at that signal and as its last words."""

log = logging.getLogger(__name__)


def exit_now(why: str, error: BaseException | None = None) -> NoReturn:
    """End the process without any clean-up: the broker ends its transactions, a new process takes over.

    Whether a transaction that failed has been committed is unknown to its producer, so nothing may go on from here.
    The last words have `WORDS_SECONDS`: who reads the log may have stopped reading, and a thread that writes to it then
    keeps it from all others.
    """
    context = copy_context()  # the words name the partition that they are about
    words = threading.Thread(target=context.run, args=(_say_last, why, error), daemon=True)
    with contextlib.suppress(RuntimeError):  # no thread is to be had: the end is what matters
        words.start()
        words.join(WORDS_SECONDS)
    os._exit(EXIT_CRASH)


def _say_last(why: str, error: BaseException | None) -> None:
    log.critical("%s; exiting with %d, to be started again", why, EXIT_CRASH, exc_info=error)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed by the caller, full, or gone
            stream.flush()


def drop_output() -> None:
    """Let what standard output could not take go nowhere: Python would try once more at its end, and say so."""
    if sys.stdout is not None:
        _drop(sys.stdout.fileno())


def outlive_readers() -> None:
    """Go on where whoever reads standard output or error leaves, as `head` does: what is done is not theirs to end.

    What they would have read goes nowhere then. Streams that somebody else has put in place are left as they are.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and stream is getattr(sys, f"__{name}__"):
            stream.flush()
            setattr(sys, name, _outliving(stream))


def _outliving(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    raw = _Outliving(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw) if isinstance(stream.buffer, io.BufferedWriter) else cast("BinaryIO", raw),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Outliving(io.FileIO):
    """Goes nowhere from when nobody reads it any more: a pipe or a socket is broken, or a terminal gone."""

    def write(self, data: "ReadableBuffer", /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not self._has_no_reader(error):
                raise
            _drop(self.fileno())
            return super().write(data)

    def _has_no_reader(self, error: OSError) -> bool:
        if error.errno == errno.EIO:  # of a file its disk is at fault; a terminal that is gone says that it is none
            return stat.S_ISCHR(os.fstat(self.fileno()).st_mode)
        return isinstance(error, BrokenPipeError | ConnectionResetError)


def _drop(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


@contextlib.contextmanager
def listening_to_signals(ask: Callable[[str], None]) -> Iterator[None]:
    """Have each SIGTERM and SIGINT call `ask` with its name, in the loop that runs; after it they end the process."""
    _listen(ask)
    try:
        yield
    finally:
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)


def asked_by_signals() -> asyncio.Event:
    """Give what SIGTERM and SIGINT set, in the loop that runs, for what may take as long as it needs to its end."""
    asked = asyncio.Event()
    _listen(lambda _: asked.set())
    return asked


async def repeated(one: Callable[[], Coroutine[Any, Any, float]]) -> None:
    """Do something again and again until SIGTERM or SIGINT, each time so many seconds later as the last time gives.

    What is being done then is cancelled.
    """
    asked = asyncio.ensure_future(asked_by_signals().wait())
    try:
        while not asked.done():
            doing = asyncio.ensure_future(one())
            try:
                await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                doing.cancel()  # of no matter where it is done
            await asyncio.wait({doing})
            if not doing.cancelled():
                await asyncio.wait({asked}, timeout=doing.result())
    finally:
        asked.cancel()


def stopping_at_signals(seconds: float) -> asyncio.Event:
    """Give what SIGTERM and SIGINT set, in the loop that runs; from the first on the process has so many seconds."""
    stopping = asyncio.Event()

    def ask(why: str) -> None:
        if not stopping.is_set():
            stopping.set()
            stop_soon(why, seconds)

    _listen(ask)
    return stopping


def _listen(ask: Callable[[str], None]) -> None:
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, ask, number.name)


def stop_soon(why: str, seconds: float) -> None:
    """Have the process end within so many seconds, whoever may hold it up, the reader of its log too; and say so."""
    bound_shutdown(seconds)
    log.info(STOPPING, why, seconds)


def refuse(why: str, code: int = EXIT_NOTHING) -> NoReturn:
    """End a command with what is wrong and what to do next."""
    sys.stderr.write(f"{why}\n")
    sys.exit(code)


def in_order() -> int:
    """Say that the process has ended as it was asked to; give the exit code."""
    log.info(ENDED)
    return EXIT_OK


def bound_shutdown(seconds: float) -> None:
    """Exit from a thread when an orderly stop takes longer than `seconds`: a dead broker can hold the loop for ever."""
    timer = threading.Timer(seconds, exit_now, args=(f"shutdown took more than {seconds:g} s",))
    timer.daemon = True
    timer.start()
