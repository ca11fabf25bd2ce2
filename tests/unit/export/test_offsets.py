"""Which records, fillers and markers have records lie at the offsets that they had."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from streams.export.restoring.offsets import fills, runs
from streams.history.exports.lines import ExportedRecord


def records(offsets: Sequence[int]) -> list[ExportedRecord]:
    return [ExportedRecord(offset, 0, None, b"x") for offset in offsets]


def written(offsets: Sequence[int], end: int) -> tuple[list[int], int]:
    """Give where a log would put the records, and where it would end, by what runs and fills say."""
    found = runs(records(offsets), end)
    filled, at, places = fills([run.gap for run in found]), offsets[0], list[int]()
    for number, run in enumerate(found):
        places += range(at, at + len(run.records))
        at += len(run.records)
        if filled is not None:
            at += filled[number].fillers + filled[number].ends
        else:
            at += bool(run.gap)  # the marker of a transaction around the last record
    return places, at


GAPS = st.lists(st.integers(1, 4), min_size=1, max_size=30)


@given(first=st.integers(0, 5), steps=GAPS)
def test_records_lie_where_they_did(first: int, steps: list[int]) -> None:
    """Whatever gaps there are between them and behind them."""
    offsets = [first]
    for step in steps[:-1]:
        offsets.append(offsets[-1] + step)
    end = offsets[-1] + steps[-1]
    assert written(offsets, end) == (offsets, end)


def test_a_transaction_that_is_aborted_has_a_record() -> None:
    """A broker writes no marker for one that has none: a gap of one alone is made otherwise."""
    assert fills([0, 1, 0]) is None
    assert fills([0]) is None
    for gaps in ([2], [1, 1], [0, 1, 0, 3, 0]):
        filled = fills(gaps)
        assert filled is not None
        assert sum(one.fillers for one in filled) == sum(gaps) - 1 > 0
        assert [one.ends for one in filled].count(True) == 1


def test_an_end_is_in_a_gap_and_nowhere_else() -> None:
    """The marker takes an offset: behind the last gap there is none for it."""
    filled = fills([2, 0, 1, 0])
    assert filled is not None
    assert [(one.fillers, one.ends) for one in filled] == [(2, False), (0, False), (0, True), (0, False)]
