"""Which accounts are meant."""

import io
from pathlib import Path

import pytest

from streams.subscriptions.choice import ChoiceError, listed, named
from streams.subscriptions.held import Account


def test_a_file(tmp_path: Path) -> None:
    """A customer and an account a line; blanks, comments and repetitions are passed by."""
    file = tmp_path / "accounts.csv"
    file.write_text("# customer,account\n7000000042,5900000001\n\n 7000000042 , 5900000002 \n7000000042,5900000001\n")
    assert listed(file) == [Account("7000000042", "5900000001"), Account("7000000042", "5900000002")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads what another program writes."""
    monkeypatch.setattr("sys.stdin", io.StringIO("7,5\n"))
    assert listed(Path("-")) == [Account("7", "5")]


def test_faulty_lines_are_told_by_number(tmp_path: Path) -> None:
    """All at once, up to ten, and nothing of what stands there."""
    file = tmp_path / "accounts.csv"
    file.write_text("7,5\n" + "Jane Doe\n" * 12 + "7,\n7,5/6\n")
    with pytest.raises(ChoiceError) as refused:
        listed(file)
    lines = str(refused.value).splitlines()
    assert (len(lines), lines[0], lines[-1]) == (11, f"{file}:2: write CUSTOMER,ACCOUNT", "and 4 more")
    assert "Jane" not in str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The path and what to do, without the number of an error."""
    with pytest.raises(ChoiceError) as refused:
        listed(tmp_path / "gone.csv")
    assert str(refused.value) == (
        f"{tmp_path}/gone.csv cannot be read: No such file or directory; name a file with CUSTOMER,ACCOUNT a line, "
        "or - for standard input"
    )


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """Nothing of what stands there is quoted."""
    file = tmp_path / "accounts.xlsx"
    file.write_bytes(b"\xff7,5\n")
    with pytest.raises(ChoiceError, match=r"accounts\.xlsx cannot be read: it is no text in UTF-8; name a file with"):
        listed(file)


def test_one_account() -> None:
    """By its two ids."""
    assert named("7", "5") == [Account("7", "5")]
    with pytest.raises(ChoiceError, match="neither spaces nor slashes"):
        named("7", "5/6")
