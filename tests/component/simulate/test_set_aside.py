"""What the summary says of lines that live would set aside."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.catalogue import Catalogue
from schemas.policy import Policy
from streams.domain import Customer, next_due
from streams.fold.inforce import InForce
from streams.simulate import customers
from streams.simulate.run import run as play
from streams.simulate.simulation import Simulation
from tests.component.simulate.build import account, at, captured, notified, run, seen
from tests.component.simulate.test_run import as_customer
from tests.unit.domain.build import CUSTOMER, HOUR, START, looked
from tests.unit.fold.build import activated


def test_a_summary_counts_what_was_set_aside(tmp_path: Path) -> None:
    """Lines named on standard error are in the count, past those that are shown as well."""
    without_account = captured("txpush", at(), notified({"customerId": "7", "aggregationStatusCode": 185}))
    done = run(tmp_path, [seen(185), *[without_account] * 25], "--summary")
    assert "1 events, " in done.stdout
    assert ": 1 messages; 25 set aside\n" in done.stdout
    assert done.stderr.endswith("set aside: 5 more\n")
    assert "; 0 set aside\n" in run(tmp_path, [captured("txpush", at(), notified(account(185)))], "--summary").stdout


def test_due_times_that_cannot_be_told_under_other_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """As live, one customer whose next timer cannot be told is named, and the others go on."""

    def fragile(customer: Customer, *rest: Any) -> datetime | None:  # noqa: ANN401 - as it is called
        if customer.customer_id == "71":
            raise ZeroDivisionError("by nothing")
        return next_due(customer, *rest)

    monkeypatch.setattr(customers, "next_due", fragile)
    simulation = Simulation(InForce.of(Policy(), Catalogue.load()))
    mild = activated(START + HOUR, Policy(version="mild"))
    events = [as_customer("71", looked(185, START)), looked(185, START), mild]
    reminded = [message.key for message in play(simulation, events, START + 30 * HOUR)][2:]
    assert reminded == [CUSTOMER]
    assert [aside.detail for aside in simulation.take_asides()] == ["timers: ZeroDivisionError: by nothing"]
