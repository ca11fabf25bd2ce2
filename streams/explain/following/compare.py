"""Whether what this release derives is what was recorded: by phases, rules and messages of one decision."""

import hashlib
from collections.abc import Iterator

from schemas.audit import AuditedMessage, AuditRecord
from streams.domain import ENGINE_VERSION, Decision, Outgoing
from streams.fold.inforce import InForce
from streams.kafka.topics import SIGNALS


def differences(
    audit: AuditRecord | None, decision: Decision | None, in_force: InForce, *, is_exact: bool
) -> Iterator[str]:
    """Say in what a derived decision differs from the recorded one; nothing where they are the same.

    Messages are compared to the byte where `is_exact`, else by their ids: in an export with other names hashes are
    other ones too. Signals are left out: their ids are places of other partitions. So is what the state is then, which
    `txpush replay` compares.
    """
    derived = decision if decision is not None and decision.changed else None
    if audit is None and derived is None:
        return
    if audit is None:
        yield f"nothing was recorded, derived: {_told(derived)}"
    elif derived is None:
        yield "derived: nothing changes"
        yield from _other_rules(audit, in_force)
    else:
        found = list(_apart(audit, derived, is_exact=is_exact))
        yield from found
        yield from _other_rules(audit, in_force) if found else ()


def _told(decision: Decision | None) -> str:
    said = [] if decision is None else [f"{one.data.action} of {one.data.kind}" for one in decision.messages]
    return ", ".join(said) or "a change of the state"


def _apart(audit: AuditRecord, decision: Decision, *, is_exact: bool) -> Iterator[str]:
    recorded, derived = [one for one in audit.messages if one.topic != SIGNALS], list(map(_audited, decision.messages))
    names = [one.id for one in recorded]
    gone = [one for one in recorded if one.id not in {it.id for it in derived}]
    changed = [one for one in recorded if is_exact and one not in derived and one not in gone]
    new = [one for one in decision.messages if one.id not in names]
    yield from (f"recorded, but not derived: a message on {one.topic}" for one in gone)
    yield from (f"derived, but not recorded: {one.data.action} of {one.data.kind}" for one in new)
    yield from (f"recorded with other words than derived: a message on {one.topic}" for one in changed)
    phases = audit.phase_before, audit.phase_after
    if phases != (decision.phase_before, decision.phase_after):
        yield f"derived phases: {decision.phase_before or 'none'} to {decision.phase_after or 'none'}"
    if audit.rules != decision.rules:
        yield f"derived by rules: {', '.join(decision.rules) or 'none'}"


def rebuilt(
    audit: AuditRecord | None, decision: Decision | None, message_id: str, *, is_exact: bool
) -> Outgoing | None:
    """Give the derived message in the place of one that is not there; None where it is not known to be the same."""
    derived = () if decision is None else decision.messages
    found = next((one for one in derived if one.id == message_id), None)
    if found is None or audit is None or not is_exact:
        return found
    return found if _audited(found) in audit.messages else None


def _audited(message: Outgoing) -> AuditedMessage:
    value = message.data.model_dump_json().encode()
    return AuditedMessage(topic=message.topic, id=message.id, sha256=hashlib.sha256(value).hexdigest())


def _other_rules(audit: AuditRecord, in_force: InForce) -> Iterator[str]:
    """Say what was decided by other rules than those that are derived with."""
    if audit.engine_version != ENGINE_VERSION:
        yield f"decided by engine {audit.engine_version}; this release is engine {ENGINE_VERSION}"
    if audit.policy_sha256 != in_force.policy_sha256:
        yield f"decided by a policy that the log does not have here: its hash begins {audit.policy_sha256[:8]}"
    if audit.catalogue_sha256 != in_force.catalogue_sha256:
        yield f"decided by a catalogue that the log does not have here: its hash begins {audit.catalogue_sha256[:8]}"
