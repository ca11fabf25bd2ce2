"""`txpush policy check`: a file that goes by a name which is taken."""

from pathlib import Path

from schemas.policy import Policy
from streams.operate.differences import as_toml
from tests.component.operate.double import SHIPPED, typed


def test_the_name_of_the_shipped_policy_is_taken(tmp_path: Path) -> None:
    """Whoever changed a copy of it and forgot its version is told, as commands name the version only."""
    file = tmp_path / "policy.toml"
    file.write_text(as_toml(Policy(version=SHIPPED.version, fix_integrated=False)))
    done = typed("policy", "check", str(file))
    assert done.exit_code == 0
    assert "  fix_integrated: true -> false\n" in done.stdout
    assert f"it has the version of the shipped policy, {SHIPPED.version}: give it one of its own" in done.stderr


def test_the_shipped_policy_may_have_its_name(tmp_path: Path) -> None:
    """A copy that says the same is the same policy, and a changed one of another name is in order."""
    file = tmp_path / "policy.toml"
    for policy in (SHIPPED, Policy(version="mine", fix_integrated=False)):
        file.write_text(as_toml(policy))
        assert typed("policy", "check", str(file)).stderr == ""
