"""The proof over an export: whole where every hash fits, refused where other names stand for customers."""

import asyncio
from pathlib import Path

import pytest

from streams.audit.plan import Ways
from streams.audit.planning import Asked
from streams.audit.verify import Verdict, verified
from streams.history import Content, HistoryError, Origin
from streams.history.exports.history import ExportOrigin
from tests.component.export.build import CUSTOMERS, exported, forgotten, origin_of, traffic


def proven(origin: Origin) -> Verdict:
    """Prove all of it."""
    return asyncio.run(verified(origin, Asked(), Ways()))


@pytest.mark.parametrize("content", [Content.WHOLE, Content.STRIPPED])
def test_an_export_is_proven(tmp_path: Path, content: Content) -> None:
    """As the cluster is that it was made of, links or no links."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, content=content)
        there = proven(origin_of(topology))
    found = proven(ExportOrigin(tmp_path))
    assert (found.faults, found.failed, found.notes) == ((), {}, there.notes)


def test_some_customers_are_refused(tmp_path: Path) -> None:
    """The others would be told as removed."""
    with traffic() as topology:
        exported(origin_of(topology), tmp_path, customers=(CUSTOMERS[2],))
    with pytest.raises(HistoryError, match=r"of some customers only, .*leave --file out"):
        proven(ExportOrigin(tmp_path))


@pytest.mark.parametrize("content", [Content.STRIPPED, Content.PSEUDONYMISED])
def test_other_names_are_refused(tmp_path: Path, content: Content) -> None:
    """Of all customers, or of one who was forgotten: in words that say what to read."""
    with traffic(forgotten(CUSTOMERS[1], 5000)) as topology:
        exported(origin_of(topology), tmp_path, content=content)
    with pytest.raises(HistoryError, match=r"so hashes fit nowhere: .*leave --file out"):
        proven(ExportOrigin(tmp_path))
