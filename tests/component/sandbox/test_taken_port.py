"""`txpush sandbox` where it cannot listen: what is to be changed is what was given."""

import pytest
from click.testing import CliRunner

from streams.cli import txpush
from tests.processes import taken_port


@pytest.mark.parametrize("is_option", [True, False])
def test_a_taken_port_is_told_by_what_gave_it(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_option: bool,  # noqa: FBT001 - a case
) -> None:
    """An option wins over its setting: whoever gave one would change the setting in vain."""
    with taken_port() as port:
        if not is_option:
            monkeypatch.setenv("TXPUSH_SANDBOX_PORT", str(port))
        given = ["--port", str(port)] if is_option else []
        assert CliRunner().invoke(txpush, ["sandbox", *given]).exit_code == 2
    (line,) = caplog.messages
    what = "--port" if is_option else "TXPUSH_SANDBOX_PORT"
    assert line == (
        f"the sandbox cannot listen on 127.0.0.1:{port}: Address already in use; "
        f"end what listens there, or set {what} to another port"
    )


def test_a_host_is_told_by_what_gave_it(caplog: pytest.LogCaptureFixture) -> None:
    """The same of the address, whatever has given the port."""
    assert CliRunner().invoke(txpush, ["sandbox", "--host", "192.0.2.1"]).exit_code == 2
    assert caplog.messages[-1].endswith("; set --host to an address of this machine")
