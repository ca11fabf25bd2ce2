"""A vendor that gives no session: the customer is told what is true, and the log what somebody has to do."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from schemas.commands import Action
from streams.vendor import (
    AggregationFailedError,
    GoneError,
    InvalidRequestError,
    MisconfiguredError,
    RefusedError,
    StaleLoginError,
    TryAgainError,
    VendorError,
)
from tests.unit.executor.double import ACCOUNT, AT, BANK, COMMAND, CUSTOMER, LINKS, LOGIN, Bench, message

TOKEN = LINKS.token(COMMAND, AT)
LINK = f"/fix/{TOKEN}"
SOON, LATER = "Please try again in a moment", "Please come back later"
CHANGED, SUPPORT = "This connection has changed", "We cannot reconnect your account here"
PASSING = [
    (TryAgainError("busy", after_seconds=7.2), SOON, "8"),
    (TryAgainError("busy", after_seconds=0.0), SOON, "1"),
    (TryAgainError("too many", after_seconds=60.0, status=429), SOON, "60"),
    (TryAgainError("too many", after_seconds=300.0, code=977, status=500), LATER, "300"),
    (TryAgainError("busy", after_seconds=1e9), LATER, "3600"),
    (InvalidRequestError("ping", fields={"webhook"}, code=10010, status=400), SOON, "30"),
    (InvalidRequestError("conflict", status=409), SOON, "30"),
    (VendorError("other"), SOON, "30"),
]
SHUT = [
    RefusedError("the vendor refuses the credentials", code=10001, status=401),
    MisconfiguredError("look at TXPUSH_APP_KEY", status=401),
    MisconfiguredError("ask it which products the app key has", status=403),
    AggregationFailedError(185, status=500),
]
GONE = [
    GoneError("gone", code=14001, status=404),
    StaleLoginError("stale", code=38007, status=404),
    InvalidRequestError("field", fields={"customerId"}, code=10010, status=400),
]
FAULTS = [
    InvalidRequestError("a field is missing", fields={"redirectUri"}, code=10005, status=400),
    InvalidRequestError("a field is missing", fields={"customerId"}, code=10005, status=400),
    InvalidRequestError("a field is not valid", fields={"customerId", "language"}, code=10010, status=400),
    InvalidRequestError("the vendor cannot use the call", status=400),
    InvalidRequestError("the vendor cannot use the call", status=422),
    InvalidRequestError("login: not an id of the vendor's"),
]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.hear(message())
    made.vendor.accounts = {ACCOUNT: GoneError("gone", code=14001)}
    async with made.client:
        yield made


async def pressed(bench: Bench, error: Exception, language: str = "en") -> httpx.Response:
    """Press the button where the vendor answers so."""
    bench.vendor.failures = [error]
    answer = await bench.client.post(LINK, headers={"accept-language": language})
    assert str(error) not in answer.text
    return answer


def title(answer: httpx.Response) -> str:
    """Give the heading of a page."""
    return answer.text.partition("<h1>")[2].partition("</h1>")[0]


@pytest.mark.parametrize(("error", "words", "retry"), PASSING)
async def test_what_passes(bench: Bench, error: VendorError, words: str, retry: str) -> None:
    """503, when to come again, and a button: a moment is only spoken of where it is one."""
    answer = await pressed(bench, error)
    assert (answer.status_code, answer.headers["retry-after"], title(answer)) == (503, retry, words)
    assert "<form" in answer.text
    assert bench.count("vendor_failed") == 1


@pytest.mark.parametrize("error", SHUT)
async def test_what_somebody_has_to_mend_at_the_vendor(bench: Bench, error: VendorError) -> None:
    """503, but not in a moment: it goes on until an operator has looked, and works then."""
    answer = await pressed(bench, error)
    assert (answer.status_code, answer.headers["retry-after"], title(answer)) == (503, "3600", LATER)
    assert "<form" in answer.text
    assert bench.count("vendor_failed") == 1


@pytest.mark.parametrize("error", GONE)
async def test_what_is_not_there_any_more(bench: Bench, error: VendorError) -> None:
    """409, without a button; an unknown customer is a field that is not valid to the vendor."""
    answer = await pressed(bench, error)
    assert (answer.status_code, answer.headers.get("retry-after"), title(answer)) == (409, None, CHANGED)
    assert "<form" not in answer.text
    assert bench.count("changed") == 1


@pytest.mark.parametrize("error", FAULTS)
async def test_what_would_fail_again(bench: Bench, error: VendorError) -> None:
    """500, a fault of ours: no button and no time to come again, but that support is to be asked."""
    answer = await pressed(bench, error)
    assert (answer.status_code, answer.headers.get("retry-after"), title(answer)) == (500, None, SUPPORT)
    assert "<form" not in answer.text
    assert bench.count("sent_to_support") == 1
    assert bench.count("vendor_failed") == 0


@pytest.mark.parametrize(("language", "words"), [("en", "support"), ("es", "asistencia"), ("fr", "assistance")])
async def test_support_in_every_language(bench: Bench, language: str, words: str) -> None:
    """The customer reads where to turn to in the language of the browser."""
    answer = await pressed(bench, FAULTS[0], language)
    assert answer.headers["content-language"] == language
    assert words in answer.text


NEXT = [
    (
        FAULTS[0],
        "redirectUri (code 10005, HTTP 400)",
        "look at TXPUSH_PARTNER_ID, TXPUSH_PUBLIC_URL and TXPUSH_LINK_URL",
    ),
    (PASSING[5][0], "webhook (code 10010, HTTP 400)", "see whether the bridge answers at TXPUSH_PUBLIC_URL"),
    (GONE[2], "customerId (code 10010, HTTP 400)", "it does not know the customer under TXPUSH_PARTNER_ID"),
    (SHUT[0], "(code 10001, HTTP 401)", "`txpush vendor show`"),
    (SHUT[1], "look at TXPUSH_APP_KEY (HTTP 401)", "`txpush doctor --component executor`"),
    (SHUT[3], "(code 185, HTTP 500)", "ask the vendor"),
]


@pytest.mark.parametrize(("error", "said", "step"), NEXT)
async def test_the_log_says_what_to_do(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: VendorError, said: str, step: str
) -> None:
    """What the vendor objects to, at which bank, and the next step; neither the customer nor a link."""
    with caplog.at_level(logging.DEBUG):
        await pressed(bench, error)
    (line,) = [one for one in caplog.records if one.name.startswith("streams")]
    text = line.getMessage()
    assert (line.levelname, line.exc_info) == ("ERROR", None)
    assert all(part in text for part in (f"institution {BANK}", said, step))
    assert not any(secret in text for secret in (TOKEN, COMMAND, CUSTOMER, LOGIN, "https://"))


@pytest.mark.parametrize("error", [PASSING[0][0], GONE[0], GONE[1]])
async def test_what_needs_nobody_is_only_counted(
    bench: Bench, caplog: pytest.LogCaptureFixture, error: VendorError
) -> None:
    """What passes or is gone is in the metrics; a line a click would hide the others."""
    with caplog.at_level(logging.WARNING):
        await pressed(bench, error)
    assert not [one for one in caplog.records if one.name.startswith("streams")]


async def test_a_bank_that_nobody_knows(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A command may name none."""
    bench.hear(message(sequence=1, action=Action.UPDATE, institution_id=None))
    await pressed(bench, FAULTS[3])
    assert "an institution that is not known" in caplog.text
