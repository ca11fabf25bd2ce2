"""`txpush forget`: have a customer forgotten (R18)."""

import click
from pydantic import ValidationError

from schemas.events import CustomerForgotten
from streams.clock import WallClock
from streams.operate import acts
from streams.operate.telling import agreed, carry_out, refuse_data, signed
from streams.settings import read_settings


@click.command()
@click.argument("customer")
@signed
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(customer: str, by: str, reason: str, *, yes: bool) -> None:
    """Have a customer forgotten: what is open is withdrawn, the state is dropped, compacted topics lose the customer.

    There is no way back. The records of the logs go with their retention. Ends with 0 when it is written, 1 when you
    say no, 2 when nothing could be written.

    \b
    Examples:
      txpush forget 7000000042 --by ann --reason "asked for it, case 4711"
      txpush forget 7000000042 --yes --by privacy-job --reason "contract ended"
    """  # noqa: D301 - click wants the real character
    settings = read_settings()
    try:
        data = CustomerForgotten(customer_id=customer, who=by, why=reason)
    except ValidationError as error:
        refuse_data(error, {"customer_id": "CUSTOMER", "who": "--by", "why": "--reason"})
    agreed(f"forget customer {customer} for good?", yes=yes)
    carry_out(settings, acts.forget(data, WallClock().now()))
