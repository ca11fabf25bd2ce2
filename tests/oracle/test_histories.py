"""The random logs are reproducible, and what the oracle says about them keeps the promises of section 5 and R8."""

from collections import defaultdict
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.oracle.customer import judge
from tests.oracle.histories import history
from tests.oracle.institution import judge_signals
from tests.oracle.reading import event_time
from tests.oracle.rules import CUSTOMER_FACING
from tests.oracle.signal_histories import signal_history

SEEDS = range(12)


def by_command(messages: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Give the data of the messages of each command, in order; lookups and incident facts left out."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in messages:
        if "command_id" in message["data"]:
            found[message["data"]["command_id"]].append(message["data"])
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_same_seed_same_log(seed: int) -> None:
    """A seed names one log for good."""
    assert history(seed) == history(seed)
    assert signal_history(seed) == signal_history(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_commands_count_up_from_their_issue(seed: int) -> None:
    """Section 5: sequences count up from 0, the first message is the issue, nothing follows the end."""
    log = [one for one in history(seed) if one["type"] != "customer.forgotten"]
    for said in [*by_command(judge(log)).values(), *by_command(judge_signals(signal_history(seed))).values()]:
        actions = [data["action"] for data in said]
        assert [data["sequence"] for data in said] == list(range(len(said)))
        assert actions.index("issue") == 0
        assert actions.count("issue") == 1
        assert not {"withdraw", "complete"} & set(actions[:-1])


@pytest.mark.parametrize("seed", SEEDS)
def test_no_second_contact_within_the_cooldown(seed: int) -> None:
    """R8: at most one `issue` or `remind` per case in 24 h."""
    log = [one for one in history(seed) if one["type"] not in ("customer.forgotten", "policy.activated")]
    times = defaultdict(list)
    for message in judge(log):
        data = message["data"]
        if data["kind"] in CUSTOMER_FACING and data["action"] in ("issue", "remind"):
            times[data["customer_id"], data["institution_login_id"]].append(event_time(message))
    for contacts in times.values():
        assert all(after - before >= timedelta(hours=24) for before, after in pairwise(contacts))


@pytest.mark.parametrize("seed", SEEDS)
def test_messages_of_a_customer_go_out_in_time_order(seed: int) -> None:
    """Section 4: event time never runs back for a customer."""
    times = defaultdict(list)
    for message in judge(history(seed, wide_after_tick=False)):
        times[message["data"]["customer_id"]].append(event_time(message))
    for said in times.values():
        assert said == sorted(said)
