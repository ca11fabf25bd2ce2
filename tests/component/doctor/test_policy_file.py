"""TXPUSH_POLICY_FILE against what is in force: the same, another one, and one that cannot be read."""

from pathlib import Path

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.doctor.checks.policy import _as_here
from streams.doctor.findings import Status
from streams.fold.inforce import InForce


def test_the_file_is_compared(tmp_path: Path) -> None:
    """A file that differs changes nothing by itself, which its owner should know."""
    (file := tmp_path / "policy.toml").write_text('version = "mine"\n[contact]\nreminder_days = [2]\n')
    same = InForce.of(Policy.load(file), Catalogue.load())
    assert [finding.status for finding in _as_here(same, file)] == [Status.OK]
    differs, told = _as_here(InForce.of(Policy.load(), Catalogue.load()), file)
    assert (differs.status, differs.what.startswith("TXPUSH_POLICY_FILE has version mine (")) == (Status.WARNING, True)
    assert told.status is Status.OK
    file.write_text("version = 1 = 2")
    (broken,) = _as_here(same, file)
    assert (broken.status, broken.what.startswith("TXPUSH_POLICY_FILE cannot be used")) == (Status.WRONG, True)
