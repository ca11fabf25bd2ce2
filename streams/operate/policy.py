"""`txpush policy`: show the rules in force, check a file, put it in force."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from schemas.catalogue import Catalogue
from schemas.policy import Policy, PolicyError
from streams.exits import EXIT_OTHERWISE
from streams.fold.inforce import InForce
from streams.kafka.access import Access
from streams.kafka.present import clock_of
from streams.operate import acts
from streams.operate.differences import as_toml, differences, spans
from streams.operate.inforce import Place, Standing, standings
from streams.operate.telling import agreed, carry_out, read, refuse, run, signed
from streams.settings import read_settings

Standings = Mapping[Place, Standing | None]
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group()
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
        click.echo("\n".join(["# elsewhere:", *_heading(found, other), *_changes(first[0], other[0])]))
    if missing := [place for place, standing in found.items() if standing is None]:
        click.echo(f"# none yet on {_where(missing)}")
    click.echo(as_toml(first[0].rules.policy), nl=False)
    sys.exit(EXIT_OTHERWISE if missing or len(groups) > 1 else 0)


@policy.command()
@FILE
@click.option("--in-force", is_flag=True, help="Compare with what is in force too; needs Kafka.")
def check(file: Path, *, in_force: bool) -> None:
    """Say whether FILE can be put in force, and what it says otherwise than the shipped policy.

    Needs no Kafka. Exits 2 with every problem when it cannot be used.

    \b
    Examples:
      txpush policy check policy.toml
      txpush policy check policy.toml --in-force
    """  # noqa: D301 - click wants the real character
    new, shipped = _load(file), Policy.load()
    click.echo(f"{file} is a policy: version {new.version}, SHA-256 {new.sha256}")
    click.echo("\n".join(_told("the shipped policy", differences(shipped, new))))
    if new.version == shipped.version and new.sha256 != shipped.sha256:
        click.echo(
            f"it has the version of the shipped policy, {shipped.version}: give it one of its own, as commands and "
            "audit records name the version only",
            err=True,
        )
    if in_force:
        settings = read_settings()
        for rules, places in _groups(read(settings, standings(Access.of(settings), settings.partitions))):
            name = f"the policy in force on {_where(places)}"
            click.echo("\n".join(_told(name, differences(rules.rules.policy, new))))


@policy.command()
@FILE
@signed
@click.option("--yes", is_flag=True, help="Do not ask.")
def activate(file: Path, by: str, reason: str, *, yes: bool) -> None:
    """Put FILE in force, with the catalogue of this release, from the next record of every partition on.

    Says what changes and asks. Running it again is safe: where it is in force already, nothing changes. Ends with 0
    when every partition has it, 1 when only some have it or you say no, 2 when nothing was written.

    \b
    Examples:
      txpush policy activate policy.toml --by ann --reason "remind later"
      txpush policy activate policy.toml --yes --by deploy --reason "release 14"
    """  # noqa: D301 - click wants the real character
    settings, new = read_settings(), InForce.of(_load(file), Catalogue.load())
    found = run(settings, standings(Access.of(settings), settings.partitions))
    groups = _groups(found)
    _refuse_reused_version(new, groups)
    if [_digests(rules) for rules, _ in groups] == [_digests(new)] and None not in found.values():
        click.echo(f"policy {new.rules.policy.version} is in force everywhere already; nothing was written")
        return
    for rules, places in groups:
        click.echo("\n".join([f"on {_where(places)}:", *(_changes(rules, new) or ["# nothing changes"])]))
    agreed(f"put policy {new.rules.policy.version} in force?", yes=yes)
    carry_out(settings, acts.activation(new, by, reason, clock_of(settings).now()))


def _load(file: Path) -> Policy:
    try:
        return Policy.load(file)
    except PolicyError as error:
        refuse(f"{error}\nmend the file; `txpush policy show` and schemas/policy.toml have every key")


def _refuse_reused_version(new: InForce, groups: list[tuple[InForce, list[Place]]]) -> None:
    version = new.rules.policy.version
    for rules, _ in groups:
        if rules.rules.policy.version == version and rules.policy_sha256 != new.policy_sha256:
            refuse(
                f"another policy of version {version} is in force, and commands name the version only: give the file "
                "a version of its own; nothing was written"
            )


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
    lines = [f"#   {line}" for line in differences(before.rules.policy, after.rules.policy)]
    if before.catalogue_sha256 != after.catalogue_sha256:
        was, becomes = before.rules.catalogue.version, after.rules.catalogue.version
        lines.append(
            f"#   catalogue: {was} ({before.catalogue_sha256[:8]}) -> {becomes} ({after.catalogue_sha256[:8]})"
        )
    return lines


def _told(name: str, lines: list[str]) -> list[str]:
    return [f"as against {name}:", *(f"  {line}" for line in lines)] if lines else [f"the same as {name}"]


def _where(places: list[Place]) -> str:
    topics = dict.fromkeys(place.topic for place in places)
    return ", ".join(
        f"{topic} {spans(place.partition for place in places if place.topic == topic)}" for topic in topics
    )
