"""`txpush override resume`: partitions go on that were paused for their dead letters (streams: guarantee 4)."""

from collections.abc import Collection

import click
from aiokafka import TopicPartition
from pydantic import ValidationError

from schemas.events import Override, OverrideAction
from streams.exits import refuse
from streams.kafka.access import Access, Bootstrap
from streams.kafka.present import clock_of
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate import acts
from streams.operate.differences import spans
from streams.operate.reading import FOLDS, READ_SECONDS, committed_reader, operator_admin, read_by, to_end, within
from streams.operate.telling import agreed, carry_out, refuse_data, run, signed
from streams.polling import UnreadableBatchError
from streams.settings import read_settings

READER = {log: group for group, log in FOLDS.items()}
"""Who reads each log."""


@click.command()
@click.argument("partitions", nargs=-1, required=True, type=click.IntRange(0, 999), metavar="PARTITION...")
@click.option(
    "--log", type=click.Choice([EVENTS, SIGNALS]), default=EVENTS, show_default=True, help="Which agent's log it is."
)
@signed
@click.option("--yes", is_flag=True, help="Do not ask.")
def resume(partitions: tuple[int, ...], log: str, by: str, reason: str, *, yes: bool) -> None:
    """Let partitions go on that are paused because too many of their latest records would be dead letters.

    /readyz of a worker says which are. Everything that is in the log by now is then taken as it is: what cannot be read
    or decided on becomes a dead letter, and `txpush dead-letter retry` puts it back once the release is mended. What
    comes later is judged again, after its first hundred records. The word is a record of the log: nothing has to be
    started anew, and whoever folds the log again decides the same. A partition that is read to its end is not paused,
    and is left out; on one that is only behind it empties the window that the share is over. Ends with 2 when nothing
    could be written, 1 when only some partitions have it or you say no.

    \b
    Examples:
      txpush override resume 3 --by ann --reason "a test tool wrote into the log"
      txpush override resume 0 1 2 --log institution.signals --by ann --reason "release 1.4 mends it"
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    if beyond := sorted(number for number in partitions if number >= settings.partitions):
        refuse(f"there is no partition {beyond[0]}: they are 0 to {settings.partitions - 1}; nothing was written")
    try:
        data = Override(action=OverrideAction.RESUME, all=True, who=by, why=reason)
    except ValidationError as error:
        refuse_data(error, {"who": "--by", "why": "--reason"})
    waiting = run(settings, unread(Access.of(settings), log, partitions))
    if others := set(partitions) - waiting:
        click.echo(f"{log} {spans(others)}: not paused, as {READER[log]} has read it to its end", err=True)
    if not waiting:
        refuse("nothing was written: /readyz of a worker says which partitions are paused")
    named = ", ".join(str(number) for number in sorted(waiting))
    agreed(f"accept every dead letter that {log} {named} would come to by now?", yes=yes)
    act = acts.resume(data, log, waiting, clock_of(settings).now())
    carry_out(settings, act, f"what is in {log} {named} by now is taken as it is; what comes later is judged anew")


async def unread(bootstrap: Bootstrap, log: str, partitions: Collection[int]) -> frozenset[int]:
    """Give those partitions of a log that have a record which its agent has not read: of these some may be paused.

    Raises:
        OperateError: it takes too long.
        KafkaError, OSError, TimeoutError: no broker answers.
    """
    slow = (
        f"whether {log} is read to its end could not be found out within {READ_SECONDS:.0f} s: a broker is slow, or a "
        "partition has no leader; look at the brokers, then run the same again"
    )
    found = set()
    async with within(READ_SECONDS, slow):
        async with operator_admin(bootstrap) as admin:
            read = await read_by(admin, READER[log])
        async with committed_reader(bootstrap) as consumer:
            for place in (TopicPartition(log, number) for number in sorted(set(partitions))):
                try:
                    async for _ in to_end(consumer, [place], {place: read[place]} if place in read else {}):
                        found.add(place.partition)
                        break
                except UnreadableBatchError:  # so there is one: where the agent comes to it, it says so
                    found.add(place.partition)
    return frozenset(found)
