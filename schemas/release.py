"""Keeps the present contract under `schemas/released`: run `python -m schemas.release` when a release goes out."""

import argparse
import shutil
import sys
from pathlib import Path

from schemas.contract import VERSION
from schemas.contract.messages import READ, WRITTEN, schema_of
from schemas.contract.records import state_document
from schemas.contract.releases import ASYNCAPI, FOLDER, STATE, Contract, broken_promises, releases
from schemas.generate import as_text

EXIT_REFUSED = 1


class ReleaseRefusedError(RuntimeError):
    """The contract cannot be released as it is; the message says what to do."""


def release(folder: Path = FOLDER, *, again: bool = False) -> Path:
    """Write the documents of `VERSION` and give their folder; `again` replaces a release that has not gone out yet.

    Raises:
        ReleaseRefusedError: the version is released already, or breaks an earlier one.
    """
    place = folder / VERSION
    if place.exists() and not again:
        raise ReleaseRefusedError(
            f"{VERSION} is released already: raise the version in pyproject.toml and schemas/contract/__init__.py, or "
            "add --again if nobody has it yet"
        )
    earlier = [one for one in releases(folder) if one.version != VERSION]
    if broken := broken_promises(Contract.present(), earlier):
        raise ReleaseRefusedError("\n".join(broken))
    shutil.rmtree(place, ignore_errors=True)
    (place / "json").mkdir(parents=True)
    for name in [*READ, *WRITTEN]:
        (place / "json" / f"{name}.schema.json").write_text(as_text(schema_of(name)), "utf-8")
    (place / STATE).write_text(as_text(state_document()), "utf-8")
    (place / ASYNCAPI).write_text(as_text(Contract.present().asyncapi), "utf-8")
    return place


def main() -> None:
    """Release, or say why not and exit with 1."""
    parser = argparse.ArgumentParser(prog="python -m schemas.release", description=__doc__)
    parser.add_argument("--again", action="store_true", help="replace a release that nobody has yet")
    try:
        sys.stdout.write(f"{release(again=parser.parse_args().again)}\n")
    except ReleaseRefusedError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(EXIT_REFUSED)


if __name__ == "__main__":
    main()
