"""The bar of `txpush subscribe`: on a terminal only, and only where there is something to wait for."""

from io import StringIO

import pytest
from rich.console import Console

from streams.subscriptions.telling import progress


def shown(total: int, *, terminal: bool) -> str:
    """Give what is shown of a run over all."""
    out = StringIO()
    with progress("Subscribing", total, Console(file=out, force_terminal=terminal, width=100)) as step:
        for _ in range(total):
            step()
    return out.getvalue()


def test_a_bar_goes_to_the_end() -> None:
    """It says what is done, and of how many."""
    assert "Subscribing" in shown(30, terminal=True)
    assert "30/30" in shown(30, terminal=True)


@pytest.mark.parametrize(("total", "terminal"), [(30, False), (1, True)])
def test_no_bar(total: int, terminal: bool) -> None:  # noqa: FBT001 - an example
    """A file gets no bar, nor does a single account."""
    assert "/" not in shown(total, terminal=terminal)
