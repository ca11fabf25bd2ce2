"""The policy: in force on every partition of both logs, the same everywhere, and that of TXPUSH_POLICY_FILE."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from schemas.catalogue import Catalogue
from schemas.contract.channels import Component
from schemas.policy import Policy, PolicyError
from streams.doctor.findings import Finding, left_out, ok, warning, wrong
from streams.doctor.scope import ONLOOKERS, Scope
from streams.fold.inforce import InForce
from streams.history import Place
from streams.kafka.access import AccessRefusedError
from streams.kafka.topics import AGENT, INSTITUTIONS
from streams.operate.differences import spans
from streams.operate.inforce import Standing, standings
from streams.operate.reading import FOLDS

OF = {AGENT: Component.AGENT, INSTITUTIONS: Component.INSTITUTIONS}
ACTIVATE = "run `txpush policy activate FILE`"
Standings = Mapping[Place, Standing | None]


async def look(scope: Scope) -> Sequence[Finding]:
    """Read what is in force, of each fold whose state we may read."""
    found: dict[Place, Standing | None] = {}
    hidden: list[Finding] = []
    for application in (one for one, component in OF.items() if scope.concerns(component, *ONLOOKERS)):
        folds = {application: FOLDS[application]}
        try:
            found |= await standings(scope.access, scope.settings.partitions, folds)
        except (AccessRefusedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError):
            hidden.append(left_out(f"the rules of {application}: no right to read them", "ask as an operator"))
    return [*hidden, *(_judged(found, scope.settings.policy_file) if found else ())]


def _judged(found: Standings, file: Path | None) -> Iterator[Finding]:
    rules = {place: InForce.activated(one.activation) for place, one in found.items() if one is not None}
    if lacking := [place for place, one in found.items() if one is None]:
        yield warning(f"none yet on {_where(lacking)}", f"start the agents of those logs, or {ACTIVATE}")
    if waiting := [place for place, one in found.items() if one is not None and one.waits_at is not None]:
        yield warning(f"one waits to be read on {_where(waiting)}", "see the lag of the agents")
    ids = {place: (one.policy_sha256, one.catalogue_sha256) for place, one in rules.items()}
    for usual, _ in Counter(ids.values()).most_common(1):
        if others := [place for place, one in ids.items() if one != usual]:
            yield wrong(f"another one on {_where(others)} than elsewhere", f"see `txpush policy show`, then {ACTIVATE}")
        yield from _as_here(next(rules[place] for place, one in ids.items() if one == usual), file)


def _as_here(rules: InForce, file: Path | None) -> Iterator[Finding]:
    """Compare what is in force with the file of the settings, and with the catalogue of this release."""
    version = rules.rules.policy.version
    told = f"version {version} ({rules.policy_sha256[:8]}), catalogue {rules.rules.catalogue.version}"
    try:
        policy = Policy.load(file)
    except PolicyError as error:
        yield wrong(f"TXPUSH_POLICY_FILE cannot be used: {error}", "mend it; `txpush policy check FILE` tells more")
        return
    if file is not None and policy.sha256 != rules.policy_sha256:
        yield warning(
            f"TXPUSH_POLICY_FILE has version {policy.version} ({policy.sha256[:8]}), and {told} is in force",
            f"{ACTIVATE} with it, or unset it: it is for a log without any",
        )
    if (shipped := Catalogue.load()).sha256 != rules.catalogue_sha256:
        yield warning(
            f"{told} is in force, and this release has catalogue {shipped.version}",
            "run `txpush policy show > policy.toml` and activate it: the catalogue of the release comes with it",
        )
    yield ok(f"in force: {told}")


def _where(places: Sequence[Place]) -> str:
    topics = dict.fromkeys(place.topic for place in places)
    return ", ".join(f"{topic} {spans(one.partition for one in places if one.topic == topic)}" for topic in topics)
