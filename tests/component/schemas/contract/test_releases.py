"""Released contracts: kept, and broken by no change that an old consumer or an old log could not read."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas import release
from schemas.contract import VERSION
from schemas.contract.compare import Break
from schemas.contract.releases import Contract, broken_promises, releases

Edit = Callable[[dict[str, Any]], object]
PRESENT = Contract.present()
BEFORE = replace(PRESENT, version="0.1.0")


def with_message(name: str, edit: Edit) -> Contract:
    """Give the contract as it would be with a changed model: what is published and what is taken change alike."""
    messages, taken = dict(PRESENT.messages), dict(PRESENT.taken)
    for documents in (messages, taken):
        documents[name] = copy.deepcopy(documents[name])
        edit(documents[name])
    return replace(PRESENT, messages=messages, taken=taken)


def with_state(record: str, edit: Edit, *, version: int) -> Contract:
    """Give the contract with a changed state record."""
    now = copy.deepcopy(PRESENT)
    edit(now.state["$defs"][record])
    now.state["version"] = version
    return now


def with_topic(name: str, edit: Edit) -> Contract:
    """Give the contract with a changed topic."""
    now = copy.deepcopy(PRESENT)
    edit(now.asyncapi["channels"][name])
    return now


def field(name: str, *place: str) -> Callable[[dict[str, Any]], Any]:
    """Find the schema of a field, in the message itself or in a definition of it."""
    return lambda schema: _part(schema, *place)["properties"][name]


def _part(schema: dict[str, Any], *place: str) -> dict[str, Any]:
    return schema["$defs"][place[0]] if place else schema


def without(name: str, *place: str) -> Edit:
    """Take a field away."""

    def edit(schema: dict[str, Any]) -> None:
        part = _part(schema, *place)
        del part["properties"][name]
        part["required"] = [one for one in part.get("required", ()) if one != name]

    return edit


def renamed(name: str, to: str) -> Edit:
    """Call a field something else."""

    def edit(schema: dict[str, Any]) -> None:
        schema["properties"][to] = schema["properties"].pop(name)
        schema["required"] = [to if one == name else one for one in schema["required"]]

    return edit


def added(name: str, *place: str, required: bool = False) -> Edit:
    """Bring a new field."""

    def edit(schema: dict[str, Any]) -> None:
        part = _part(schema, *place)
        part["properties"][name] = {"type": "string"}
        part["required"] = [*part.get("required", ()), *([name] if required else [])]

    return edit


def set_to(name: str, *place: str, **keywords: Any) -> Edit:  # noqa: ANN401 - JSON Schema
    """Change what the schema of a field says; a keyword with None goes."""

    def edit(schema: dict[str, Any]) -> None:
        found = field(name, *place)(schema)
        found.update(keywords)
        for keyword in [keyword for keyword, value in keywords.items() if value is None]:
            del found[keyword]

    return edit


def in_first_branch(name: str, **keywords: Any) -> Edit:  # noqa: ANN401 - JSON Schema
    """Change the first alternative of a field."""
    return lambda schema: schema["properties"][name]["anyOf"][0].update(keywords)


def needed(name: str, *, is_so: bool) -> Edit:
    """Make a field required, or not any more."""

    def edit(schema: dict[str, Any]) -> None:
        rest = [one for one in schema["required"] if one != name]
        schema["required"] = [*rest, name] if is_so else rest

    return edit


def values(definition: str, change: Callable[[list[str]], list[str]]) -> Edit:
    """Change the values of an enum, open or closed."""

    def edit(schema: dict[str, Any]) -> None:
        found = schema["$defs"][definition]
        keyword = "enum" if "enum" in found else "x-extensible-enum"
        found[keyword] = change(found[keyword])

    return edit


BREAKING = [
    ("command", without("sequence"), "sequence", Break.MISSING),
    ("command", without("fix_url"), "fix_url", Break.REMOVED),
    ("command", without("code", "Reason"), "reason.code", Break.MISSING),
    ("command", without("relapses", "EpisodeRef"), "episode.relapses", Break.REMOVED),
    ("command", renamed("customer_id", "customer"), "customer_id", Break.MISSING),
    ("command", set_to("sequence", type="string"), "sequence", Break.TYPE),
    ("command", set_to("sequence", type="number"), "sequence", Break.TYPE),
    ("command", set_to("customer_id", type=["string", "null"]), "customer_id", Break.TYPE),
    ("command", set_to("opened_at", "EpisodeRef", format=None), "episode.opened_at", Break.LIMIT),
    ("command", set_to("account_ids", items={"type": "integer"}), "account_ids.*", Break.TYPE),
    ("command", needed("sequence", is_so=False), "sequence", Break.MISSING),
    ("command", added("priority", required=True), "priority", Break.MISSING),
    ("command", values("Action", lambda known: [*known, "escalate"]), "action", Break.VALUE),
    ("command", values("Action", lambda known: known[1:]), "action", Break.VALUE),
    ("command", values("Step", lambda known: known[1:]), "steps.*", Break.VALUE),
    ("lookup", set_to("kind", const="search"), "kind", Break.VALUE),
    ("account-snapshot", without("aggregationAttemptDate"), "aggregationAttemptDate", Break.REMOVED),
    ("account-snapshot", needed("institutionId", is_so=True), "institutionId", Break.MISSING),
    ("account-snapshot", added("region", required=True), "region", Break.MISSING),
    ("account-snapshot", in_first_branch("aggregationStatusCode", type="string"), "aggregationStatusCode", Break.TYPE),
    ("account-snapshot", in_first_branch("aggregationStatusCode", maximum=99), "aggregationStatusCode", Break.LIMIT),
    ("account-snapshot", set_to("customerId", maxLength=10), "customerId", Break.LIMIT),
    ("account-snapshot", set_to("customerId", minLength=2), "customerId", Break.LIMIT),
    ("account-snapshot", set_to("customerId", pattern="^[0-9]+$"), "customerId", Break.LIMIT),
    ("account-snapshot", set_to("accountId", enum=["1"]), "accountId", Break.VALUE),
    ("account-snapshot", set_to("baseline", default=True), "baseline", Break.DEFAULT),
    ("account-snapshot", lambda schema: schema.update(additionalProperties=False), "the message", Break.CLOSED),
    ("account-snapshot", lambda schema: schema.update(minProperties=9), "the message", Break.LIMIT),
    ("account-snapshot", lambda schema: schema.update({"if": {}}), "the message", Break.UNKNOWN),
    ("override", values("OverrideAction", lambda known: known[1:]), "action", Break.VALUE),
    ("policy", without("close_share", "Incident"), "incident.close_share", Break.CLOSED),
    ("policy-activated", without("close_share", "Incident"), "policy.incident.close_share", Break.CLOSED),
    ("signal", without("otp"), "otp", Break.CLOSED),
]


@pytest.mark.parametrize(("message", "edit", "place", "what_to_do"), BREAKING)
def test_a_breaking_change_is_refused(message: str, edit: Edit, place: str, what_to_do: Break) -> None:
    """The refusal names the message, the release and the field, and says what to do."""
    found = broken_promises(with_message(message, edit), [BEFORE])
    told = [line for line in found if f": {place} " in line and line.endswith(what_to_do)]
    assert told, found
    assert all(line.startswith(f"message {message} ") and "0.1.0" in line for line in told)


COMPATIBLE = [
    ("command", added("priority")),
    ("command", added("hint", "Reason")),
    ("command", values("Step", lambda known: [*known, "call_the_bank"])),
    ("command", values("WithdrawReason", lambda known: [*known, "paused"])),
    ("command", lambda schema: schema.update(description="Other words.")),
    ("account-health", values("Phase", lambda known: [*known, "baseline"])),
    ("account-snapshot", added("region")),
    ("account-snapshot", set_to("customerId", maxLength=128)),
    ("account-snapshot", set_to("customerId", maxLength=None)),
    ("account-snapshot", needed("accountId", is_so=False)),
    ("account-snapshot", set_to("customerId", type=["string", "null"])),
    ("account-snapshot", in_first_branch("aggregationStatusCode", type="number")),
    ("override", values("OverrideAction", lambda known: [*known, "hand_over"])),
    ("policy", added("colour", "Incident")),
]


@pytest.mark.parametrize(("message", "edit"), COMPATIBLE)
def test_a_compatible_change_passes(message: str, edit: Edit) -> None:
    """Optional fields, more values of an open enum, wider limits on the reading side, and other words."""
    assert broken_promises(with_message(message, edit), [BEFORE]) == []


def test_a_message_stays() -> None:
    """A message that was released is missed when it goes."""
    now = copy.deepcopy(PRESENT)
    rest = {name: schema for name, schema in now.messages.items() if name != "lookup"}
    assert broken_promises(replace(now, messages=rest), [BEFORE]) == [
        "message lookup of 0.1.0 is gone: keep it; logs hold it, and readers wait for it"
    ]


TOPICS: list[tuple[str, Edit, str]] = [
    ("aggregation.events", lambda one: one["messages"].pop("clock.tick"), "message clock.tick of 0.1.0 is gone"),
    ("aggregation.events", lambda one: one.update({"x-key": "accountId"}), "its key was customerId"),
    ("audit.decisions", lambda one: one["bindings"]["kafka"].update(partitions=3), "its partitions was 12"),
    ("vendor.auth", lambda one: one["bindings"]["kafka"].update(topicConfiguration={}), "its topicConfiguration was"),
]


@pytest.mark.parametrize(("topic", "edit", "told"), TOPICS)
def test_a_topic_keeps_its_facts(topic: str, edit: Edit, told: str) -> None:
    """Key, partitions, retention and messages of a topic are promises."""
    (line,) = broken_promises(with_topic(topic, edit), [BEFORE])
    assert line.startswith(f"topic {topic}: ")
    assert told in line


def test_a_topic_stays() -> None:
    """A topic that was released is missed when it goes."""
    now = copy.deepcopy(PRESENT)
    del now.asyncapi["channels"]["account.health"]
    assert broken_promises(now, [BEFORE]) == ["topic account.health of 0.1.0 is gone: keep it; others read or write it"]


def test_changed_state_asks_for_a_version() -> None:
    """A new field is read as its default, and an earlier release would lose it: the version has to rise."""
    version = BEFORE.state["version"]
    (line,) = broken_promises(with_state("LoginState", added("hint"), version=version), [BEFORE])
    assert "raise STATE_VERSION" in line
    assert broken_promises(with_state("LoginState", added("hint"), version=version + 1), [BEFORE]) == []


def test_old_state_is_read_for_ever() -> None:
    """Records that nobody has touched since stay as any earlier release wrote them: a raised version does not help."""
    version = BEFORE.state["version"] + 1
    now = with_state("ControlState", set_to("audit_head", type="integer"), version=version)
    (line,) = broken_promises(now, [BEFORE])
    assert line.startswith("state record ControlState as 0.1.0 wrote it cannot be read any more: audit_head ")


def test_every_release_counts() -> None:
    """A field that came with one release and went with the next is still missed: the check is transitive."""
    middle = replace(with_message("command", added("priority")), version="0.2.0")
    latest = replace(PRESENT, version="0.3.0")
    (line,) = [one for one in broken_promises(PRESENT, [BEFORE, middle, latest]) if "be read by" in one]
    assert line.startswith("message command cannot be read by a reader of 0.2.0: priority is no longer written: keep ")


# -- the real thing


def test_the_present_contract_keeps_every_promise() -> None:
    """What was released can be read, and reads what is written now."""
    kept = releases()
    assert kept, "no release is kept: run `python -m schemas.release`"
    broken = broken_promises(PRESENT, kept)
    assert not broken, "\n" + "\n".join(broken)


def test_a_release_is_kept_as_it_went_out(tmp_path: Path) -> None:
    """Releasing writes what is read back; doing it twice is refused unless asked for."""
    place = release.release(tmp_path)
    assert place == tmp_path / VERSION
    (kept,) = releases(tmp_path)
    assert (kept.messages, kept.state, kept.asyncapi) == (PRESENT.messages, PRESENT.state, PRESENT.asyncapi)
    with pytest.raises(release.ReleaseRefusedError, match="is released already: raise the version"):
        release.release(tmp_path)
    assert release.release(tmp_path, again=True) == place


def test_a_release_that_breaks_an_earlier_one_is_refused(tmp_path: Path) -> None:
    """The command says what the check says, and writes nothing."""
    earlier = release.release(tmp_path).rename(tmp_path / "0.0.9")
    file = earlier / "json" / "lookup.schema.json"
    lookup = json.loads(file.read_text())
    lookup["properties"]["customer_id"]["type"] = "integer"
    file.write_text(json.dumps(lookup))
    with pytest.raises(release.ReleaseRefusedError, match=r"message lookup .* customer_id is written as"):
        release.release(tmp_path)
    assert not (tmp_path / VERSION).exists()
