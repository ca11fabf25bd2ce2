"""Runs one JVM and ends it with its owner: `python guard.py OWNER_PID [--remove DIR] -- JAVA ARGS`.

A parent-death signal set by the owner itself would fire when the *thread* that started the broker ends, and a pipe is
kept open by every forked child. So this small process, which has one thread and imports the standard library only,
waits for the owner's and the JVM's process descriptors; the JVM gets the parent-death signal from here and so does not
survive a SIGKILL of this process either.
"""

import ctypes
import os
import select
import shutil
import signal
import sys
from typing import NoReturn

PR_SET_PDEATHSIG = 1
OWNER_DIED = 75


def exec_jvm(guard: int, command: list[str]) -> NoReturn:
    """Become the JVM, tied to the life of the guard; standard output joins standard error, the log."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guard:
        os._exit(OWNER_DIED)
    os.dup2(2, 1)
    os.execv(command[0], command)  # noqa: S606 - the command is ours


def start_jvm(command: list[str]) -> int:
    """Start the JVM and tell the owner its process id in one line."""
    guard = os.getpid()
    jvm = os.fork()
    if jvm == 0:
        exec_jvm(guard, command)
    os.write(1, f"{jvm}\n".encode())
    return jvm


def first_to_end(owner: int, jvm: int) -> int:
    """Block until the owner or the JVM ends; gives its process id."""
    watched = {os.pidfd_open(pid): pid for pid in (owner, jvm)}
    poll = select.poll()
    for descriptor in watched:
        poll.register(descriptor, select.POLLIN)
    return watched[poll.poll()[0][0]]


def guard_jvm(owner: int, remove: str | None, command: list[str]) -> int:
    """Run the JVM until it or the owner ends; gives the exit code, negative for a signal as in `subprocess`."""
    if os.getppid() != owner:
        return OWNER_DIED
    jvm = start_jvm(command)
    owner_died = first_to_end(owner, jvm) == owner
    if owner_died:
        os.kill(jvm, signal.SIGKILL)
    _, status = os.waitpid(jvm, 0)
    if owner_died and remove is not None:
        shutil.rmtree(remove, ignore_errors=True)
    return os.waitstatus_to_exitcode(status)


def main(arguments: list[str]) -> int:
    """Parse the command line; a terminal's Ctrl-C is the owner's business, not ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    split = arguments.index("--")
    owner, *options = arguments[:split]
    remove = options[1] if options else None
    return guard_jvm(int(owner), remove, arguments[split + 1 :])


if __name__ == "__main__":
    sys.exit(max(main(sys.argv[1:]), 0))
