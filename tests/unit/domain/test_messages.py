"""What leaves the core is complete but for the place of its cause in the log."""

from schemas.commands import TicketCause
from schemas.signals import Signal, SignalType, TicketWanted
from streams.domain import OutgoingSignal, OutgoingWish
from tests.unit.domain.build import ACCOUNT, BANK, CUSTOMER, LOGIN, START


def test_sourced() -> None:
    """A signal travels with everything the core said and the place of the record that caused it."""
    told = OutgoingSignal(SignalType.FAILING, START, BANK, 185, CUSTOMER, LOGIN, ACCOUNT, entered=True, event_id="e:0")
    assert told.sourced(3, 17) == Signal(
        institution_id=BANK,
        code=185,
        customer_id=CUSTOMER,
        institution_login_id=LOGIN,
        account_id=ACCOUNT,
        entered=True,
        event_id="e:0",
        source_partition=3,
        source_offset=17,
    )


def test_wish_sourced() -> None:
    """So does what support is asked for; its type is that of a wish."""
    asked = OutgoingWish(START, BANK, TicketCause.UNKNOWN_CODE, 777_777, CUSTOMER, LOGIN, ACCOUNT, "e:0")
    assert asked.type is SignalType.TICKET_WANTED
    assert asked.sourced(3, 17) == TicketWanted(
        institution_id=BANK,
        cause=TicketCause.UNKNOWN_CODE,
        code=777_777,
        customer_id=CUSTOMER,
        institution_login_id=LOGIN,
        account_id=ACCOUNT,
        event_id="e:0",
        source_partition=3,
        source_offset=17,
    )
