"""Going on: the file of the state, and whose turn it is."""

from pathlib import Path

import pytest

from streams.sweep.compare import Difference, Silence
from streams.sweep.report import Findings
from streams.sweep.resume import Order, State, StateError, fingerprint, load, save

CUSTOMERS = ["5", "3", "1", "4", "2"]


def again(state: State, path: Path) -> State:
    """Write the state and read it, as the next run does."""
    save(path, state)
    return load(path, state.fingerprint)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sweep.json"


def taken(order: Order) -> list[str]:
    """Take all that is left."""
    return [one for one in iter(order.take, None) if one is not None]


def test_a_state_comes_back_as_it_was(path: Path) -> None:
    """Counts, failures and places are in the file; nothing else is left in the folder."""
    state = State("mark", through="3", ahead=["5"], again=["2"])
    found = Findings(3, {Silence.EQUAL: 2}, {Difference.CODE: 1}, observed=1)
    state.report.read("1", found)
    state.report.failed["2"] = "away"
    assert again(state, path) == state
    assert list(path.parent.iterdir()) == [path]


def test_without_a_file_a_sweep_begins(path: Path) -> None:
    """The first run makes it."""
    assert load(path, "mark") == State("mark")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be read"),
        (b'{"fingerprint": 1}', "cannot be read"),
        (b'{"other": ' + b"[" * 3000, "cannot be read"),
        (b'{"fingerprint": "\xff"}', "cannot be read"),
        (b'{"fingerprint": "other"}', "another sweep"),
        (b'{"fingerprint": "mark", "version": 2}', "another sweep"),
    ],
)
def test_a_file_of_something_else_is_refused(path: Path, content: bytes, why: str) -> None:
    """Going on in the wrong place would leave customers out: it says what to do, and the file stays."""
    path.write_bytes(content)
    with pytest.raises(StateError, match=rf"{why}.*name another file, or remove it"):
        load(path, "mark")
    assert path.read_bytes() == content


def test_a_folder_is_no_file(path: Path) -> None:
    """What cannot be read is said."""
    path.mkdir()
    with pytest.raises(StateError, match="cannot be read"):
        load(path, "mark")
    with pytest.raises(OSError, match="directory"):
        save(path, State("mark"))
    assert list(path.parent.iterdir()) == [path]


def test_a_fingerprint_tells_sweeps_apart() -> None:
    """Cluster, vendor, partner, customers and kind: each makes another; the order of words does as well."""
    assert fingerprint("a", "b") == fingerprint("a", "b") != fingerprint("b", "a")


def test_customers_come_in_the_order_of_their_ids() -> None:
    """So that one mark tells how far all are."""
    order = Order(CUSTOMERS, State("mark"))
    assert (len(order), taken(order), len(order)) == (5, ["1", "2", "3", "4", "5"], 0)


def test_a_killed_run_reads_again_what_was_under_way_and_no_more(path: Path) -> None:
    """The mark stands before the first one under way; what was done beyond it is kept apart."""
    state = State("mark")
    order = Order(CUSTOMERS, state)
    for _ in range(4):
        order.take()
    order.done("1")
    order.done("4")
    assert (state.through, state.ahead) == ("1", ["4"])
    assert taken(Order(CUSTOMERS, again(state, path))) == ["2", "3", "5"]
    order.done("2")
    order.done("3")
    assert (state.through, state.ahead) == ("4", [])


def test_who_is_put_to_the_end_is_read_after_all_others(path: Path) -> None:
    """Also by the run that goes on; once read it is done."""
    state = State("mark")
    order = Order(CUSTOMERS, state)
    order.put_to_the_end(order.take() or "")
    assert (order.is_second("1"), order.is_second("2")) == (True, False)
    assert taken(Order(CUSTOMERS, again(state, path))) == ["2", "3", "4", "5", "1"]
    assert taken(order) == ["2", "3", "4", "5", "1"]
    for one in CUSTOMERS:
        order.done(one)
    assert (state.through, state.ahead, state.again) == ("5", [], [])


def test_who_is_left_is_for_the_run_that_goes_on(path: Path) -> None:
    """A failed customer is not read again by this run, but by the next."""
    state = State("mark")
    order = Order(["1", "2"], state)
    order.leave(order.take() or "")
    assert taken(order) == ["2"]
    order.done("2")
    assert taken(Order(["1", "2"], again(state, path))) == ["1"]


def test_a_second_failure_keeps_one_place() -> None:
    """However often it fails."""
    state = State("mark", through="9", again=["1"])
    order = Order(["1"], state)
    order.leave(order.take() or "")
    assert state.again == ["1"]
