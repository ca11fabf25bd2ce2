"""Secrets as a deployment has them: drawn for the compose file by its script, and mounted into a pod."""

import hashlib
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from streams.audit.checkpoints.keys import read_private, read_public
from streams.settings import SECRETS_VARIABLE, Settings

SCRIPT = Path(__file__).parents[3] / "deploy" / "compose" / "secrets.sh"


def drawn(folder: Path, path: str | None = None) -> "subprocess.CompletedProcess[bytes]":
    script = shutil.copy(SCRIPT, folder)
    environment = None if path is None else {"PATH": path}
    return subprocess.run(["/bin/sh", script], env=environment, capture_output=True, timeout=60, check=False)


def test_the_settings_take_what_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is a secret of a form that is allowed, in a folder that nobody else on the machine may enter."""
    assert drawn(tmp_path).returncode == 0
    secrets = tmp_path / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv(SECRETS_VARIABLE, str(secrets))
    read = Settings()
    for name in {path.name for path in secrets.iterdir()} - {"audit_key", "callers.toml", "grafana_password"}:
        assert getattr(read, name)


def test_the_audit_signs_with_what_is_drawn(tmp_path: Path) -> None:
    """Beside the folder of its checkpoints, to which its user may write, is the public key for whoever checks."""
    assert drawn(tmp_path).returncode == 0
    public = read_public(tmp_path / "checkpoints" / "audit.key.pub")
    drawn_key = tmp_path / "secrets" / "audit_key"
    drawn_key.chmod(0o600)  # in a container it is somebody else's, who is not asked for the mode
    assert read_private(drawn_key).public_key() == public
    assert (tmp_path / "checkpoints").stat().st_mode & 0o7777 == 0o1777


def test_the_bridge_knows_the_canary(tmp_path: Path) -> None:
    """The callers have the hash of the token that the canary is given."""
    assert drawn(tmp_path).returncode == 0
    secrets = tmp_path / "secrets"
    callers = tomllib.loads((secrets / "callers.toml").read_text())
    assert callers["canary"]["token_sha256"] == [hashlib.sha256((secrets / "canary_token").read_bytes()).hexdigest()]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """Keys that something was sealed with are kept; one that was removed is drawn anew."""
    assert drawn(tmp_path).returncode == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    (tmp_path / "secrets" / "link_keys").unlink()
    assert drawn(tmp_path).returncode == 0
    after = {path.name: path.read_bytes() for path in (tmp_path / "secrets").iterdir()}
    assert {name for name, one in before.items() if after[name] != one} == {"link_keys"}


def test_without_a_source_of_chance_nothing_is_left(tmp_path: Path) -> None:
    """A tool that is missing ends it, and leaves no empty secret behind."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "mkdir"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    assert drawn(tmp_path, str(tools)).returncode != 0
    assert list((tmp_path / "secrets").iterdir()) == []


def test_a_folder_is_read_as_a_pod_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There each name leads by a link to a folder that is replaced as a whole; what is not in it is not set."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "link_keys").write_text("ab" * 32 + "\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "link_keys").symlink_to("..data/link_keys")
    monkeypatch.setenv(SECRETS_VARIABLE, str(tmp_path))
    read = Settings()
    assert [key.get_secret_value() for key in read.link_keys] == ["ab" * 32]
    assert read.sealing_keys == ()
