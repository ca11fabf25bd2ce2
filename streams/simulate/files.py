"""Reads a file line by line, as it comes: a path or standard input, gzip or plain, never more than a line of it."""

import errno
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO, cast

MAX_LINE = 8 << 20
"""Bytes of a line: a body of the largest size that the bridge takes is 1 MiB, a catalogue is less."""
STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class UnreadableFile(ValueError):  # noqa: N818 - named for the file
    """The file cannot be read (on); the message names it and the line, and says what to do."""


def lines(file: str) -> Iterator[tuple[int, bytes]]:
    """Give the lines that are not blank, with their numbers from 1.

    Raises:
        UnreadableFile: it cannot be opened, is damaged, or has a line longer than `MAX_LINE`.
    """
    number = 0
    with ExitStack() as stack:
        try:
            source = _opened(file, stack)
            while line := source.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise UnreadableFile(
                        f"{file}:{number}: the line is longer than {MAX_LINE >> 20} MiB; write one event a line"
                    )
                text = (line.removeprefix(_BOM) if number == 1 else line).strip()
                if text:
                    yield number, text
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            detail = f"{file}:{number + 1}: the gzip data is damaged or cut off ({error}); make the file anew"
            raise UnreadableFile(detail) from None
        except OSError as error:
            raise UnreadableFile(f"{file}: {error.strerror or error}; name a file that can be read, or -") from None


def _opened(file: str, stack: ExitStack) -> BinaryIO:
    if file == STANDARD_INPUT:
        if sys.stdin is None:
            raise OSError(errno.EBADF, "standard input is closed")
        plain = cast("io.BufferedReader", sys.stdin.buffer)
    else:
        plain = stack.enter_context(io.BufferedReader(io.FileIO(file)))
    if plain.peek(len(_GZIP))[: len(_GZIP)] != _GZIP:
        return plain
    return cast("BinaryIO", stack.enter_context(gzip.GzipFile(fileobj=plain, mode="rb")))
