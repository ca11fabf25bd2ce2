"""What a cluster's topics differ in, in as few lines as say it: settings that were forgotten differ in every topic."""

from collections.abc import Mapping

import pytest

from streams.kafka.applied import differences
from streams.kafka.topics import EMBEDDED, Layout, contract

PRODUCTION = Layout()
NAMES = [topic.name for topic in contract()]
Made = dict[str, tuple[int, int]]
Configs = dict[str, dict[str, str]]


def made_as(layout: Layout) -> tuple[Made, Configs]:
    """Give partitions, replicas and settings of all topics, as `txpush topics apply` makes them."""
    configs = {
        topic.name: {"min.insync.replicas": str(layout.min_insync_replicas), **topic.config} for topic in contract()
    }
    return dict.fromkeys(NAMES, (layout.partitions, layout.replication)), configs


FORGOTTEN: Mapping[str, tuple[Layout, Layout, list[str]]] = {
    "partitions": (
        Layout(3, 3),
        PRODUCTION,
        ["have 3 partitions, not 12: partitions are for life; set TXPUSH_PARTITI"],
    ),
    "replication": (Layout(12, 1), PRODUCTION, ["have 1 replica, not 3: set TXPUSH_REPLICATION=1 if the cluster was "]),
    "more replicas": (Layout(3, 3), EMBEDDED, ["have 3 replicas, not 1: set TXPUSH_REPLICATION=3 if the cluster was "]),
    "both": (EMBEDDED, PRODUCTION, ["have 3 partitions, not 12: partitions", "have 1 replica, not 3: set TXPUSH_REPL"]),
}


@pytest.mark.parametrize("made", FORGOTTEN)
def test_what_all_differ_in_is_said_once(made: str) -> None:
    """A line a setting, with its name and the value under which all is as it should be."""
    layout, wanted, lines = FORGOTTEN[made]
    found = differences(wanted, *made_as(layout), "apply")
    assert len(found) == len(lines), found
    for told, line in zip(found, lines, strict=True):
        assert told.startswith(f"all {len(NAMES)} topics {line}")


def test_more_replicas_need_more_in_sync() -> None:
    """Partitions that were reassigned alone would be told of again, each by name."""
    (told,) = differences(PRODUCTION, *made_as(Layout(12, 1)), "apply")
    assert told.endswith("--add-config min.insync.replicas=2` for each")


@pytest.mark.parametrize("made", [EMBEDDED, PRODUCTION, Layout(12, 5)])
def test_what_fits_is_not_told(made: Layout) -> None:
    """More replicas than asked for are no difference while as many have to be in sync."""
    wanted = EMBEDDED if made == EMBEDDED else PRODUCTION
    assert differences(wanted, *made_as(made), "apply") == []


def test_one_that_differs_otherwise_is_told_with_all_others() -> None:
    """No setting would have such a cluster fit: each topic is told by name, as one that is alone is."""
    existing, configs = made_as(EMBEDDED)
    existing[NAMES[0]] = (5, 1)
    found = differences(EMBEDDED, existing, configs, "apply")
    assert [line.partition(":")[0] for line in found] == [f"topic {NAMES[0]} has 5 partitions, not 3"]
    assert len(differences(Layout(12, 1), existing, configs, "apply")) == len(NAMES)


def test_one_that_is_missing_leaves_the_others_told_by_name() -> None:
    """What to run comes first."""
    existing, configs = made_as(EMBEDDED)
    del existing[NAMES[0]]
    found = differences(Layout(12, 1), existing, configs, "apply")
    assert found[0] == f"topic {NAMES[0]} is missing: apply"
    assert len(found) == len(NAMES)


def test_where_none_is_there_that_is_one_sentence() -> None:
    """A cluster that has nothing of ours lacks one command, not thirty topics; topics of others are no matter."""
    told = [f"none of the {len(NAMES)} topics is there: run this"]
    assert differences(PRODUCTION, {}, {}, "run this") == told
    assert differences(PRODUCTION, {"somebody.else": (3, 1)}, {}, "run this") == told


def test_another_setting_is_not_hidden() -> None:
    """Where a topic differs in more than the layout every line is there."""
    existing, configs = made_as(EMBEDDED)
    configs[NAMES[0]]["cleanup.policy"] = "none"
    found = differences(Layout(12, 1), existing, configs, "apply")
    assert len(found) == len(NAMES) + 1
