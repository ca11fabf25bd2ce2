"""`txpush policy`: show the rules in force, check a file, put it in force."""

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import click
from pydantic import ValidationError

from schemas.catalogue import Catalogue
from schemas.policy import Policy, PolicyError
from schemas.times import rfc3339
from streams.exits import EXIT_OTHERWISE, refuse
from streams.fold.inforce import InForce
from streams.groups import Commands
from streams.history import Place
from streams.kafka.access import Access
from streams.kafka.present import clock_of, require_clock
from streams.operate import acts
from streams.operate.acts import Act
from streams.operate.differences import as_toml, differences, spans
from streams.operate.inforce import Standing, standings
from streams.operate.telling import agreed, carry_out, read, refuse_data, run, signed
from streams.settings import read_settings

Standings = Mapping[Place, Standing | None]
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group(cls=Commands)
def policy() -> None:
    """Show the rules in force, check a file of your own, and put it in force.

    \b
    Examples:
      txpush policy show > policy.toml
      txpush policy check policy.toml
      txpush policy activate policy.toml --by ann --reason "remind later"
    """  # noqa: D301 - click wants the real character


@policy.command()
def show() -> None:
    """Print the policy in force as TOML, with its SHA-256 and where it holds.

    Exits 1 where partitions differ, or none has a policy yet, 2 when no broker answers.

    \b
    Examples:
      txpush policy show
      txpush policy show > policy.toml
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    found = read(settings, standings(Access.of(settings), settings.partitions))
    groups = _groups(found)
    if not groups:
        click.echo("no policy is in force yet: start the agents, or run `txpush policy activate FILE`", err=True)
        sys.exit(EXIT_OTHERWISE)
    first = groups[0]
    click.echo("\n".join(_heading(found, first)))
    for other in groups[1:]:
        changes = [f"#   {line}" for line in _changes(first[0], other[0])]
        click.echo("\n".join(["# elsewhere:", *_heading(found, other), *changes]))
    if missing := _missing(found):
        click.echo(f"# none yet on {_where(missing)}")
    click.echo(f"# as of {rfc3339(clock_of(settings).now())}; a file that is changed has another SHA-256")
    click.echo(as_toml(first[0].rules.policy), nl=False)
    sys.exit(EXIT_OTHERWISE if missing or len(groups) > 1 else 0)


@policy.command()
@FILE
@click.option("--in-force", is_flag=True, help="Compare with what is in force too; needs Kafka.")
def check(file: Path, *, in_force: bool) -> None:
    """Say whether FILE can be put in force, and what it says otherwise than the shipped policy.

    Needs no Kafka: what can be known from the file alone. With --in-force also what `activate` would say on this
    cluster: the changes, partition by partition, a version that is taken, a clock that the cluster does not allow.
    Exits 2 with every problem when `activate` would refuse it.

    \b
    Examples:
      txpush policy check policy.toml
      txpush policy check policy.toml --in-force
    """  # noqa: D301 - click wants the real character
    new = InForce.of(_load(file), Catalogue.load())
    click.echo(f"{file} is a policy: version {new.rules.policy.version}, SHA-256 {new.policy_sha256}")
    click.echo("\n".join(_told("the shipped policy", differences(Policy.load(), new.rules.policy))))
    if in_force:
        _check_in_force(new)
    else:
        _refuse_taken(new, [])
        click.echo("not looked at: what is in force; --in-force compares with it, and needs Kafka", err=True)


def _check_in_force(new: InForce) -> None:
    """Say what `activate` would say on this cluster, and refuse what it would refuse."""
    settings = read_settings()
    found = read(settings, standings(Access.of(settings), settings.partitions))
    for rules, places in (groups := _groups(found)):
        click.echo("\n".join(_told(f"the policy in force on {_where(places)}", _changes(rules, new))))
    if missing := _missing(found):
        click.echo(f"no policy is in force yet on {_where(missing)}")
    _refuse_taken(new, groups)
    read(settings, require_clock(settings))
    click.echo(
        "it is in force everywhere: `txpush policy activate` would write nothing"
        if _is_everywhere(new, found)
        else "`txpush policy activate` would put it in force from the next record of every partition on"
    )


@policy.command()
@FILE
@signed
@click.option("--yes", is_flag=True, help="Do not ask.")
def activate(file: Path, by: str, reason: str, *, yes: bool) -> None:
    """Put FILE in force, with the catalogue of this release, from the next record of every partition on.

    Says what changes and asks. Running it again is safe: where it is in force already, nothing changes. Ends with 0
    when every partition has it, 1 when only some have it or you say no, 2 when nothing could be written.

    \b
    Examples:
      txpush policy activate policy.toml --by ann --reason "remind later"
      txpush policy activate policy.toml --yes --by deploy --reason "release 14"
    """  # noqa: D301 - click wants the real character
    settings, new = read_settings(), InForce.of(_load(file), Catalogue.load())
    _activation(new, by, reason, clock_of(settings).now())  # refuses a name or reason before anything is asked
    found = run(settings, standings(Access.of(settings), settings.partitions))
    groups = _groups(found)
    _refuse_taken(new, groups, "; nothing was written")
    if _is_everywhere(new, found):
        click.echo(f"policy {new.rules.policy.version} is in force everywhere already; nothing was written")
        return
    for rules, places in groups:
        changes = [f"#   {line}" for line in _changes(rules, new)] or ["# nothing changes"]
        click.echo("\n".join([f"on {_where(places)}:", *changes]))
    agreed(f"put policy {new.rules.policy.version} in force?", yes=yes)
    carry_out(settings, _activation(new, by, reason, clock_of(settings).now()))


def _activation(new: InForce, by: str, reason: str, at: datetime) -> Act:
    try:
        return acts.activation(new, by, reason, at)
    except ValidationError as error:
        refuse_data(error, {"who": "--by", "why": "--reason"})


def _load(file: Path) -> Policy:
    try:
        return Policy.load(file)
    except PolicyError as error:
        refuse(f"{error}\nmend the file; `txpush policy show` and schemas/policy.toml have every key")


def _refuse_taken(new: InForce, groups: list[tuple[InForce, list[Place]]], so: str = "") -> None:
    """Refuse the version of another policy: of one in force, or else of the shipped one, which may come into force."""
    version, shipped = new.rules.policy.version, Policy.load()
    of_this = {rules.policy_sha256 for rules, _ in groups if rules.rules.policy.version == version}
    what = ""
    if of_this - {new.policy_sha256}:
        what = f"another policy of version {version} is in force"
    elif not of_this and shipped.version == version and shipped.sha256 != new.policy_sha256:
        what = f"it has the version of the shipped policy, {version}, and is another one"
    if what:
        advice = "give the file a version of its own, as commands and audit records name the version only"
        refuse(f"{what}: {advice}{so}")


def _is_everywhere(new: InForce, found: Standings) -> bool:
    return not _missing(found) and [_digests(rules) for rules, _ in _groups(found)] == [_digests(new)]


def _missing(found: Standings) -> list[Place]:
    return [place for place, standing in found.items() if standing is None]


def _groups(found: Standings) -> list[tuple[InForce, list[Place]]]:
    """Give the different rules in force, those that hold in most places first."""
    groups: dict[tuple[str, str], tuple[InForce, list[Place]]] = {}
    for place, standing in sorted(found.items()):
        if standing is not None:
            rules = InForce.activated(standing.activation)
            groups.setdefault(_digests(rules), (rules, []))[1].append(place)
    return sorted(groups.values(), key=lambda group: -len(group[1]))


def _digests(rules: InForce) -> tuple[str, str]:
    return rules.policy_sha256, rules.catalogue_sha256


def _heading(found: Standings, group: tuple[InForce, list[Place]]) -> Iterator[str]:
    rules, places = group
    yield f"# policy {rules.rules.policy.version}, SHA-256 {rules.policy_sha256}"
    yield f"# catalogue {rules.rules.catalogue.version}, SHA-256 {rules.catalogue_sha256}"
    yield f"# in force on {_where(places)}"
    for place in places:
        standing = found[place]
        if standing is not None and standing.waits_at is not None:
            yield f"# on {place.topic} {place.partition} from offset {standing.waits_at}, which waits to be read"


def _changes(before: InForce, after: InForce) -> list[str]:
    lines = differences(before.rules.policy, after.rules.policy)
    if before.catalogue_sha256 != after.catalogue_sha256:
        was, becomes = before.rules.catalogue.version, after.rules.catalogue.version
        lines.append(f"catalogue: {was} ({before.catalogue_sha256[:8]}) -> {becomes} ({after.catalogue_sha256[:8]})")
    return lines


def _told(name: str, lines: list[str]) -> list[str]:
    return [f"as against {name}:", *(f"  {line}" for line in lines)] if lines else [f"the same as {name}"]


def _where(places: list[Place]) -> str:
    topics = dict.fromkeys(place.topic for place in places)
    return ", ".join(
        f"{topic} {spans(place.partition for place in places if place.topic == topic)}" for topic in topics
    )
