"""Which accounts are meant: named, listed in a file, or all that are known."""

import sys
from collections.abc import Iterable
from pathlib import Path

from schemas.vendor import valid_identifier
from streams.subscriptions.held import Account

MAX_ACCOUNTS = 10_000_000
MAX_FAULTS = 10
"""Faulty lines of a file that are told at once."""


class ChoiceError(ValueError):
    """No accounts can be made out; the message says what to write instead."""


def named(customer_id: str, account_id: str) -> list[Account]:
    """Give one account by its two ids.

    Raises:
        ChoiceError: one is no id.
    """
    customer, account = valid_identifier(customer_id), valid_identifier(account_id)
    if customer is None or account is None:
        raise ChoiceError("CUSTOMER and ACCOUNT: an id has neither spaces nor slashes")
    return [Account(customer, account)]


def listed(path: Path) -> list[Account]:
    """Read a file with a customer and an account a line, a comma between; `-` is standard input.

    Empty lines and those that begin with `#` are passed by; an account that stands there twice is one.

    Raises:
        ChoiceError: it cannot be read, or with the number of every faulty line.
    """
    return accounts_of(lines_in(path, "CUSTOMER,ACCOUNT a line"), str(path))


def lines_in(path: Path, wanted: str) -> list[str]:
    """Give the lines of a text file, or of standard input where the path is `-`.

    Args:
        path: of a text in UTF-8.
        wanted: what a file that can be read has, for whoever has to name another.

    Raises:
        ChoiceError: it cannot be read; names the path and what to do.
    """
    try:
        return (sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")).splitlines()
    except OSError as error:
        why = error.strerror
    except UnicodeDecodeError:
        why = "it is no text in UTF-8"
    raise ChoiceError(f"{path} cannot be read: {why}; name a file with {wanted}, or - for standard input")


def accounts_of(lines: Iterable[str], place: str) -> list[Account]:
    """Read the lines of such a file."""
    found: dict[Account, None] = {}
    faults = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        customer, _, account = line.partition(",")
        ids = valid_identifier(customer), valid_identifier(account)
        if ids[0] is None or ids[1] is None:
            faults.append(f"{place}:{number}: write CUSTOMER,ACCOUNT")
        else:
            found[Account(ids[0], ids[1])] = None
    if len(found) > MAX_ACCOUNTS:
        faults.append(f"{place}: {len(found)} accounts, at most {MAX_ACCOUNTS}")
    if faults:
        more = [f"and {len(faults) - MAX_FAULTS} more"] if len(faults) > MAX_FAULTS else []
        raise ChoiceError("\n".join([*faults[:MAX_FAULTS], *more]))
    return list(found)
