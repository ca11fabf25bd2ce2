"""`txpush override`: an operator's decision about a customer, a login, an account, an institution, or all (R16)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from schemas.events import Override, OverrideAction
from schemas.times import parse_rfc3339
from streams.groups import Commands
from streams.kafka.present import clock_of
from streams.operate import acts
from streams.operate.overrides.known import Knowledge, look_up
from streams.operate.overrides.resume import resume
from streams.operate.overrides.scope import Scope, told
from streams.operate.overrides.show import show
from streams.operate.telling import agreed, carry_out, refuse_data, run, signed, span_in
from streams.settings import read_settings

F = TypeVar("F", bound=Callable[..., Any])

OPTIONS = {
    "customer_id": "--customer",
    "account_id": "--account",
    "institution_login_id": "--login",
    "institution_id": "--institution",
    "until": "--until",
    "rate_per_hour": "--rate-per-hour",
    "who": "--by",
    "why": "--reason",
}
"""Fields of the record by the options that fill them."""


class Until(click.ParamType):
    """A time: RFC 3339, a span from now as `90m`, `12h` or `3d`, or `now`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's signature
        """Read the time; a past one is a slip of the pen."""
        now = clock_of(read_settings()).now()
        if value == "now":
            return now
        if (span := span_in(value)) is not None:
            return now + span
        try:
            until = parse_rfc3339(value)
        except ValueError:
            self.fail(f"{value!r} is no time: write 2026-11-01T03:00:00Z, 90m, 12h, 3d, or now", param, ctx)
        if until <= now:
            self.fail(f"{value} is past: write a later time, or now to end a silence", param, ctx)
        return until


@click.group(cls=Commands)
def override() -> None:
    """Decide over the rules: hold contact, mark a login, close a case, release old cases, end a pause.

    What is about one customer is one record; what is about an institution or all goes to every partition. Each but
    show needs --by and --reason, which the log keeps. Asks first where it is about all, or about an id that nothing is
    known of; --yes answers. Ends with 0 when it is written, 1 when only some partitions have it or you say no, 2 when
    nothing could be written. `show` lists what is in force.

    \b
    Examples:
      txpush override silence --all --by ann --reason "wrong letters went out"
      txpush override silence --all --until now --by ann --reason "letters are right again"
      txpush override mark-otp --customer 7000000042 --login 7100000007 --by ann --reason "asked the customer"
      txpush override show --customer 7000000042
    """  # noqa: D301 - click wants the real character


override.add_command(resume)


def _of_customer(command: F) -> F:
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--account", "account_id", metavar="ID", help="One account of the customer."),
        click.option("--login", "institution_login_id", metavar="ID", help="One login of the customer."),
        click.option("--customer", "customer_id", metavar="ID", help="The customer."),
    ):
        command = option(command)
    return command


def _of_many(command: F) -> F:
    for option in (
        click.option("--all", is_flag=True, help="Every customer."),
        click.option("--institution", "institution_id", metavar="ID", help="Every customer of an institution."),
    ):
        command = option(command)
    return _of_customer(command)


@override.command()
@_of_many
@click.option("--until", type=Until(), help="When it ends: a time, a span as 12h or 3d, or now. Without: never.")
@signed
def silence(**given: Any) -> None:  # noqa: ANN401 - by the options above
    """Hold `issue` and `remind`; what waits goes out when it ends, if it is still needed.

    With --until now it ends an earlier silence of the same scope.

    \b
    Examples:
      txpush override silence --all --by ann --reason "wrong letters went out"
      txpush override silence --institution 102105 --until 12h --by ann --reason "the bank is moving"
      txpush override silence --customer 7000000042 --until 2026-12-01T00:00:00Z --by ann --reason "in hospital"
      txpush override silence --all --until now --by ann --reason "letters are right again"
    """  # noqa: D301 - click wants the real character
    _decide(OverrideAction.SILENCE, **given)


@override.command("mark-otp")
@_of_customer
@signed
def mark_otp(**given: Any) -> None:  # noqa: ANN401 - by the options above
    """Say that a login asks for a one-time passcode every time, as if R7 had found it.

    \b
    Examples:
      txpush override mark-otp --customer 7000000042 --login 7100000007 --by ann --reason "asked the customer"
    """  # noqa: D301 - click wants the real character
    _decide(OverrideAction.MARK_OTP, **given)


@override.command("unmark-otp")
@_of_customer
@signed
def unmark_otp(**given: Any) -> None:  # noqa: ANN401 - by the options above
    """Take the one-time-passcode mark from a login, whoever set it.

    \b
    Examples:
      txpush override unmark-otp --customer 7000000042 --login 7100000007 --by ann --reason "the bank changed"
    """  # noqa: D301 - click wants the real character
    _decide(OverrideAction.UNMARK_OTP, **given)


@override.command("close-case")
@_of_customer
@signed
def close_case(**given: Any) -> None:  # noqa: ANN401 - by the options above
    """Withdraw what is open for a login or an account; only a new attempt opens it again.

    \b
    Examples:
      txpush override close-case --customer 7000000042 --login 7100000007 --by ann --reason "settled by phone"
      txpush override close-case --customer 7000000042 --account 5900000001 --by ann --reason "closed at the bank"
    """  # noqa: D301 - click wants the real character
    _decide(OverrideAction.CLOSE_CASE, **given)


@override.command("release-baseline")
@_of_many
@click.option("--rate-per-hour", type=click.IntRange(1, 1_000_000), help="At most so many an hour and partition.")
@signed
def release_baseline(**given: Any) -> None:  # noqa: ANN401 - by the options above
    """Let out the cases that a first sweep found old and kept without contact (R17).

    \b
    Examples:
      txpush override release-baseline --all --rate-per-hour 50 --by ann --reason "support has people on it"
      txpush override release-baseline --customer 7000000042 --by ann --reason "asked for it"
    """  # noqa: D301 - click wants the real character
    _decide(OverrideAction.RELEASE_BASELINE, **given)


def _decide(action: OverrideAction, by: str, reason: str, *, yes: bool, **given: Any) -> None:  # noqa: ANN401 - by the options
    settings = read_settings()
    try:
        data = Override(action=action, who=by, why=reason, **given)
    except ValidationError as error:
        refuse_data(error, OPTIONS)
    clock, scope = clock_of(settings), Scope.of(data)
    found = run(settings, look_up(settings, scope))
    if found.warning is not None:
        click.echo(found.warning, err=True)
    if found.knowledge is Knowledge.UNKNOWN:
        agreed(f"decide on {found.about} all the same?", yes=yes)
    if data.all:
        agreed(f"{told(data, clock.now())}: is that what you want?", yes=yes)
    now = clock.now()  # a question may have stood for long
    carry_out(settings, acts.override(data, now), told(data, now))
    click.echo(f"the agent goes by it as soon as it reads it: see `txpush override show{scope.options}`")


override.add_command(show)
