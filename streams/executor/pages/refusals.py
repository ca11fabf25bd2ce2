"""What the vendor's reasons to give no session mean to the customer, and to whoever reads the log."""

from collections.abc import Mapping
from dataclasses import replace

from streams.executor.pages.answers import CHANGED, NOT_SOON, SUPPORT, VENDOR_FAILED, Answer
from streams.executor.pages.texts import Page
from streams.vendor.errors import (
    CUSTOMER,
    WEBHOOK,
    AggregationFailedError,
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    StaleLoginError,
    TryAgainError,
    VendorError,
)

MOMENT_SECONDS = 120.0
"""What a customer is still told is a moment."""
CONFLICT = 409
NOT_VALID_CODE = 10010


def answer_to(error: VendorError) -> Answer:
    """Answer a click that the vendor gives no session for."""
    if isinstance(error, TryAgainError):
        page = Page.LATER if error.after_seconds <= MOMENT_SECONDS else Page.NOT_SOON
        return replace(VENDOR_FAILED, page=page, retry_seconds=error.after_seconds)
    if isinstance(error, InvalidRequestError):
        return _answer_to_invalid(error)
    return next((answer for kinds, answer in _ANSWERS if isinstance(error, kinds)), VENDOR_FAILED)


_ANSWERS = (
    ((GoneError, StaleLoginError), CHANGED),
    ((RefusedError, MisconfiguredError, AggregationFailedError), NOT_SOON),
)


def _answer_to_invalid(error: InvalidRequestError) -> Answer:
    """Tell a customer who is not there, and a bridge that is away, from what would be the same the next time."""
    if _is_unknown_customer(error):
        return CHANGED
    return VENDOR_FAILED if WEBHOOK in error.fields or error.status == CONFLICT else SUPPORT


def _is_unknown_customer(error: InvalidRequestError) -> bool:
    """Whether it does not know the customer, which is a field that is not valid to it (`InvalidFieldExample`)."""
    return error.code == NOT_VALID_CODE and error.fields == {CUSTOMER}


def line_of(error: VendorError) -> str | None:
    """Give the line for the log, into which the institution and the error go, with what somebody has to do.

    None where it passes by itself, or is as it should be. Each kind is a line of its own, so that none hides another.
    """
    step = _step_of_invalid(error) if isinstance(error, InvalidRequestError) else _STEPS.get(type(error))
    return None if step is None else f"no session for a customer of %s: %s; {step}"


_STEPS: Mapping[type[VendorError], str] = {
    RefusedError: "no link leads on until the credentials are taken again: see `txpush vendor show`",
    MisconfiguredError: "links lead nowhere until that is mended: see `txpush doctor --component executor`",
    AggregationFailedError: "it was asked for a link, and not to go to the bank: ask the vendor why it did",
}


def _step_of_invalid(error: InvalidRequestError) -> str:
    if _is_unknown_customer(error):
        return "it does not know the customer under TXPUSH_PARTNER_ID: if it should, that is another partner's"
    if WEBHOOK in error.fields:
        return "see whether the bridge answers at TXPUSH_PUBLIC_URL: the vendor calls it before it gives a session"
    if error.status == CONFLICT:
        return "the customer may try again: if it stays so, ask the vendor what is in the way"
    return (
        "the same again would fail again, so the customer is sent to support: look at TXPUSH_PARTNER_ID, "
        "TXPUSH_PUBLIC_URL and TXPUSH_LINK_URL, and if they are right, ask the vendor what it objects to"
    )
