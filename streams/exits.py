"""How processes end: the exit codes of every command, and ends that do not wait."""

import contextlib
import logging
import os
import sys
import threading
from contextvars import copy_context
from typing import NoReturn

EXIT_OK = 0
EXIT_OTHERWISE = 1
"""Not as it was asked for: a part failed or was left out, something differs, or the operator said no."""
EXIT_NOTHING = 2
"""Nothing was done: the words say what to mend first."""
EXIT_CRASH = 70
"""`EX_SOFTWARE`: start me again."""
EXIT_INTERRUPTED = 130

WORDS_SECONDS = 2.0
"""How long a crash waits for its last words to be written."""

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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def bound_shutdown(seconds: float) -> None:
    """Exit from a thread when an orderly stop takes longer than `seconds`: a dead broker can hold the loop for ever."""
    timer = threading.Timer(seconds, exit_now, args=(f"shutdown took more than {seconds:g} s",))
    timer.daemon = True
    timer.start()
