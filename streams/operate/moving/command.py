"""`txpush move`: the command."""

import asyncio
from dataclasses import replace

import click
from aiokafka.errors import KafkaError

from streams.exits import EXIT_OTHERWISE, refuse
from streams.kafka import applied, topics
from streams.kafka.access import Access, AccessRefusedError
from streams.kafka.applied import TopicsError
from streams.kafka.identity import log_identity
from streams.kafka.refusals import beside_silence
from streams.kafka.topics import EVENTS, LOOKUP, SIGNALS, SUBSCRIPTIONS, VENDOR_AUTH, Layout
from streams.operate.moving.copying import Copy
from streams.operate.moving.drained import Ends, ends, require_rest
from streams.operate.telling import agreed, run
from streams.operate.writing import OperateError
from streams.settings import Settings, read_settings

RUN_SECONDS = 12 * 3600.0
WRITTEN = (EVENTS, SIGNALS, LOOKUP, SUBSCRIPTIONS, VENDOR_AUTH)
"""Topics that would grow if somebody still worked."""


@click.command()
@click.option("--to", "target", required=True, metavar="HOST:PORT", help="The new cluster, with its topics applied.")
@click.option("--partitions", type=click.IntRange(1, 1000), required=True, metavar="N", help="What its topics have.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def move(target: str, partitions: int, *, yes: bool) -> None:
    """Move everything to another cluster, whose topics have another number of partitions.

    State and health, commands, signing keys and what is known of credentials go there, each record to the partition of
    its customer or institution; both agents go on from there as if nothing had been. The logs, the audit chains and the
    dead letters stay where they are, to be read there until their time is over. Refuses to begin while anybody works or
    anything is not read, and where the new cluster is not empty. streams/operate/moving/README.md has all steps.

    Ends with 0 when all is moved, 1 when you say no or it stopped in the middle, 2 when nothing could be written.

    \b
    Examples:
      TXPUSH_BOOTSTRAP=new:9092 TXPUSH_PARTITIONS=24 txpush topics apply
      TXPUSH_BOOTSTRAP=old:9092 TXPUSH_PARTITIONS=12 txpush move --to new:9092 --partitions 24
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    there = replace(Access.of(settings), bootstrap=target)
    layout = Layout(partitions, settings.replication)
    before = run(settings, _require_all(settings, there, layout))
    agreed(
        f"move all from {settings.bootstrap} ({settings.partitions} partitions) to {target} ({partitions})?", yes=yes
    )
    try:
        asyncio.run(_moved(settings, there, partitions, before))
    except (OperateError, KafkaError, OSError, TimeoutError, KeyboardInterrupt) as error:
        refuse(
            f"stopped: {str(error) or type(error).__name__}\n"
            f"nothing of {settings.bootstrap} has changed; {target} holds a part: delete its topics, apply them anew, "
            "then run the same again",
            EXIT_OTHERWISE,
        )
    click.echo(
        f"all is moved: start everything on {target} with TXPUSH_PARTITIONS={partitions}, and nothing on the old"
    )


async def _require_all(settings: Settings, target: Access, layout: Layout) -> Ends:
    """Refuse clusters that do not fit, or are not at rest; give where the topics end that somebody could write to.

    Raises:
        OperateError, TopicsError, LookupError: says what to do.
        KafkaError, OSError, TimeoutError: a broker does not answer.
    """
    source = Access.of(settings)
    await applied.require(source, Layout.of(settings))
    try:
        await applied.require(target, layout)
        identities = [await log_identity(one, EVENTS) for one in (source, target)]
    except AccessRefusedError as error:
        raise OperateError(f"at {target} {error}") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise OperateError(f"no broker answers at {target}{beside_silence(error)}") from error
    except TopicsError as error:
        raise OperateError(f"at {target} {error}") from error
    if identities[0] == identities[1]:
        raise OperateError(f"{target} is the cluster itself: topics cannot be moved within one")
    names = tuple(topic.name for topic in topics.contract())
    if full := sorted({place.topic for place, end in (await ends(target, names, layout.partitions)).items() if end}):
        raise OperateError(f"{target} is not empty ({', '.join(full)}): delete its topics, and apply them anew")
    before = await ends(source, WRITTEN, settings.partitions)
    await require_rest(source, settings.partitions)
    return before


async def _moved(settings: Settings, target: Access, partitions: int, before: Ends) -> None:
    """Copy, then make sure that nobody has written meanwhile."""
    async with asyncio.timeout(RUN_SECONDS):
        source = Access.of(settings)
        copy = Copy(source, settings.partitions, target, partitions)
        await copy.run(lambda topic, count: click.echo(f"{topic}: {count:,} records"))
        after = await ends(source, WRITTEN, settings.partitions)
    if grown := sorted({place.topic for place, end in after.items() if end != before[place]}):
        raise OperateError(
            f"somebody has written to {', '.join(grown)} meanwhile: stop them, and let the agents read it"
        )
