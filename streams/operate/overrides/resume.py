"""`txpush override resume`: partitions go on that were paused for their dead letters (streams: guarantee 4)."""

import click
from pydantic import ValidationError

from schemas.events import Override, OverrideAction
from streams.kafka.present import clock_of
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate import acts
from streams.operate.telling import agreed, carry_out, refuse, refuse_data, signed
from streams.settings import read_settings


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
    started anew, and whoever folds the log again decides the same. On a partition that is not paused it only empties
    the window that the share is over.

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
    named = ", ".join(str(number) for number in sorted(set(partitions)))
    agreed(f"accept every dead letter that {log} {named} would come to by now?", yes=yes)
    act = acts.resume(data, log, frozenset(partitions), clock_of(settings).now())
    carry_out(settings, act, f"what is in {log} {named} by now is taken as it is; what comes later is judged anew")
