"""`txpush explain` on a command line: the story, its other forms, and words where there is none."""

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from streams.cli import txpush
from streams.explain import Story, command
from streams.export.names.names import Names
from streams.history import Content, HistoryError, Origin
from streams.history.origins import origin_of
from streams.testing.history import MemoryOrigin
from tests.component.export.build import KEY, exported
from tests.unit.explain.stories import ACCOUNT, CUSTOMER, LOGIN, forgotten, told, two_mails

Typed = Callable[..., Result]
KEYS = bytes(range(32)).hex()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Typed:
    monkeypatch.setenv("TXPUSH_PARTITIONS", "3")
    origins: list[Origin] = [MemoryOrigin(two_mails().cluster)]
    monkeypatch.setattr(command, "origin_of", lambda *_: origins[-1])

    def run(*words: str, origin: Origin | None = None) -> Result:
        if origin is not None:
            origins.append(origin)
        return CliRunner().invoke(txpush, ["explain", *words])

    return run


def test_the_story_on_standard_output(typed: Typed) -> None:
    """The answer, then all of it, and nothing on standard error."""
    done = typed(CUSTOMER)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == f"Customer {CUSTOMER}, as of 2026-11-03T05:16:00Z"
    assert "2 contacts with the customer, about 1 login." in done.stdout


def test_one_object(typed: Typed) -> None:
    """With --json it is the story as it is described, and nothing else."""
    done = typed(CUSTOMER, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert Story.model_validate_json(done.stdout) == told(two_mails())


def test_a_page_in_a_file(typed: Typed, tmp_path: Path) -> None:
    """Written for its owner alone, as it is about somebody; the story itself is not printed beside it."""
    file = tmp_path / "story.html"
    done = typed(CUSTOMER, "--html", str(file))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"written to {file}\n")
    assert file.read_text().startswith("<!doctype html>")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_page_that_cannot_be_written(typed: Typed, tmp_path: Path) -> None:
    """The refusal names the file and what to do."""
    done = typed(CUSTOMER, "--html", str(tmp_path / "nowhere" / "story.html"))
    assert done.exit_code == 2
    assert "cannot be written: No such file or directory; name a file in a folder that is there" in done.stderr


def test_nobody_known(typed: Typed) -> None:
    """Words on what to check, no story, exit 0; --json prints the empty story all the same."""
    done = typed("7999999999")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "nothing in the log is about customer 7999999999",
        "see that the id is right, and that it should be in in-memory",
    ]
    assert json.loads(typed("7999999999", "--json").stdout)["entries"] == []


def test_nothing_known_yet(typed: Typed) -> None:
    """A time before all there is on somebody is named with them."""
    done = typed(CUSTOMER, "--at", "2020-01-01T00:00:00Z")
    assert f"nothing in the log is about customer {CUSTOMER} up to 2020-01-01T00:00:00Z\n" in done.stderr


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("c_fb5958c19f7b249ba889", "a customer"),
        ("c_fb5958c19f7b249ba889.2", "a customer"),
        ("a_fb5958c19f7b249ba889", "an account"),
    ],
)
def test_a_pseudonym_is_not_taken_for_an_id_that_nobody_knows(typed: Typed, name: str, kind: str) -> None:
    """It is what a story, the log or an export calls somebody; nobody gets back to the id from it."""
    done = typed(name)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines()[-1] == (
        f"{name} is a pseudonym of {kind}, and nobody gets back from it to an id: give the id of the customer; "
        "`txpush pseudonym ID` prints which names an id has"
    )


def test_an_account_that_is_not_the_customers(typed: Typed) -> None:
    """Those that are known are named, before that nobody was contacted."""
    done = typed(CUSTOMER, "--account", "59")
    said = f"account 59 is not known of the customer, only {ACCOUNT}\n"
    assert done.stdout.index(said) < done.stdout.index("The customer was not contacted")


def test_times(typed: Typed) -> None:
    """--at and --from take RFC 3339, and what is no time, or the wrong way round, is refused in words."""
    assert (
        json.loads(typed(CUSTOMER, "--at", "2026-11-02T12:00:00Z", "--json").stdout)["as_of"] == "2026-11-02T12:00:00Z"
    )
    done = typed(CUSTOMER, "--at", "yesterday")
    assert done.exit_code == 2
    assert "'yesterday' is no time: write 2026-11-01T03:00:00Z, or 90m, 12h or 3d ago" in done.stderr
    done = typed(CUSTOMER, "--from", "2026-11-03T00:00:00Z", "--at", "2026-11-02T00:00:00Z")
    assert (done.exit_code, "is behind --at" in done.stderr) == (2, True)


def test_what_is_no_id_is_refused(typed: Typed) -> None:
    """Before anything is read."""
    done = typed("a b")
    assert (done.exit_code, "neither spaces nor slashes" in done.stderr) == (2, True)


def test_pseudonyms(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the key of the settings names are those of the log; without one that is said."""
    assert "made up for this run" in typed(CUSTOMER, "--pseudonyms").stderr
    monkeypatch.setenv("TXPUSH_PSEUDONYM_KEYS", KEYS)
    done = typed(CUSTOMER, "--pseudonyms")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("Customer c_fb5958c19f7b249ba889")
    assert [one for one in (CUSTOMER, ACCOUNT, LOGIN) if one in done.output] == []


def test_somebody_forgotten(typed: Typed) -> None:
    """Shown by a hash without being asked to."""
    done = typed(CUSTOMER, origin=MemoryOrigin(forgotten().cluster))
    assert done.exit_code == 0
    assert CUSTOMER not in done.output


def test_a_history_that_cannot_be_read(typed: Typed) -> None:
    """Its words, and exit 2."""

    class Nowhere:
        def open(self) -> None:
            raise HistoryError("there is nothing there; look elsewhere")

    done = typed(CUSTOMER, origin=Nowhere())
    assert (done.exit_code, done.stderr) == (2, "there is nothing there; look elsewhere\n")


def test_an_export_tells_what_the_cluster_tells(typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With --file: the same story, from the folder; one that is not there is refused before anything is read."""
    monkeypatch.setattr(command, "origin_of", origin_of)
    exported(MemoryOrigin(two_mails().cluster), tmp_path / "whole")
    done = typed(CUSTOMER, "--file", str(tmp_path / "whole"), "--json")
    assert done.exit_code == 0, done.output
    story, expected = Story.model_validate_json(done.stdout), told(two_mails())
    assert story.model_copy(update={"origin": expected.origin}) == expected
    assert typed(CUSTOMER, "--file", str(tmp_path / "none")).exit_code == 2


def test_an_export_for_sharing(typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Under other names the same story, asked for by the name; hashes that are other ones are no differences."""
    monkeypatch.setattr(command, "origin_of", origin_of)
    exported(MemoryOrigin(two_mails().cluster), tmp_path / "shared", content=Content.PSEUDONYMISED)
    done = typed(Names(KEY, 3, None).customer(CUSTOMER), "--file", str(tmp_path / "shared"), "--json")
    story = Story.model_validate_json(done.stdout)
    assert [one.action for one in story.summary.contacts] == ["issue", "remind"]
    assert story.differences == 0
    assert [one for one in (CUSTOMER, ACCOUNT, LOGIN) if one in done.output] == []
