"""What a request comes to: a status with a page, or the redirect to the vendor, and what it is counted as."""

import math
from dataclasses import dataclass

from pydantic import SecretStr
from starlette.responses import HTMLResponse, Response

from streams.executor.fixing.limits import TooManyError, TooOftenError
from streams.executor.fixing.standing import ClosedCommand, Ending
from streams.executor.pages.html import html
from streams.executor.pages.language import Language
from streams.executor.pages.texts import Page
from streams.links import ExpiredLinkError, LinkError
from streams.observe.labels import LinkOutcome

RETRY_SECONDS = 30.0
MAX_RETRY_SECONDS = 3600.0
LEFT_CODE = "100"
NOT_WELL_CODES = (LEFT_CODE, "500", "1440")
"""What the vendor's redirect says of a session that was left, failed, or took too long; 200 is a good end, and so is
201 (domain 4.1)."""
NOTHING_NEEDED_CODE = "201"
"""The login works, whatever the command says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `location` is a bearer secret."""

    status: int
    page: Page
    outcome: LinkOutcome
    retry_seconds: float | None = None
    location: SecretStr | None = None

    def response(self, language: Language, headers: dict[str, str]) -> Response:
        """Give it as it is sent."""
        more = {"content-language": language.value}
        if self.location is not None:
            more["location"] = self.location.get_secret_value()
        if self.retry_seconds is not None:
            more["retry-after"] = str(math.ceil(min(max(self.retry_seconds, 1.0), MAX_RETRY_SECONDS)))
        text = "" if self.location is not None else html(self.page, language)
        return HTMLResponse(text, self.status, headers | more)


SHOWN = Answer(200, Page.BUTTON, LinkOutcome.SHOWN)
NOTHING_HERE = Answer(404, Page.UNKNOWN, LinkOutcome.NOTHING_HERE)
FORGED = Answer(404, Page.UNKNOWN, LinkOutcome.FORGED)
UNKNOWN = Answer(404, Page.UNKNOWN, LinkOutcome.UNKNOWN)
EXPIRED = Answer(410, Page.EXPIRED, LinkOutcome.EXPIRED)
MENDED = Answer(410, Page.MENDED, LinkOutcome.MENDED)
CALLED_OFF = Answer(410, Page.CALLED_OFF, LinkOutcome.CALLED_OFF)
CHANGED = Answer(409, Page.CHANGED, LinkOutcome.CHANGED)
VIEW_LAGS = Answer(503, Page.LATER, LinkOutcome.VIEW_LAGS, RETRY_SECONDS)
VENDOR_FAILED = Answer(503, Page.LATER, LinkOutcome.VENDOR_FAILED, RETRY_SECONDS)
NOT_SOON = Answer(503, Page.NOT_SOON, LinkOutcome.VENDOR_FAILED, MAX_RETRY_SECONDS)
SUPPORT = Answer(500, Page.SUPPORT, LinkOutcome.SENT_TO_SUPPORT)
VENDOR_SLOW = Answer(503, Page.LATER, LinkOutcome.VENDOR_SLOW, RETRY_SECONDS)
FAILED = Answer(503, Page.LATER, LinkOutcome.FAILED, RETRY_SECONDS)


def redirect(url: SecretStr) -> Answer:
    """Lead to the vendor; 303, so that the browser asks there with GET."""
    return Answer(303, Page.THANKS, LinkOutcome.LED_ON, location=url)


def of_link_error(error: LinkError) -> Answer:
    """Answer a link that opens nothing."""
    return EXPIRED if isinstance(error, ExpiredLinkError) else FORGED


def of_closed(command: ClosedCommand) -> Answer:
    """Answer a link to a command that has ended."""
    return MENDED if command.ending is Ending.MENDED else CALLED_OFF


def of_limit(error: TooOftenError) -> Answer:
    """Answer a click that came too soon: 429 where it is this link that is used too much, else 503."""
    if isinstance(error, TooManyError):
        return Answer(503, Page.LATER, LinkOutcome.TOO_MANY, error.after_seconds)
    return Answer(429, Page.TOO_OFTEN, LinkOutcome.TOO_OFTEN, error.after_seconds)


def of_return(code: str | None, *, may_retry: bool) -> Answer:
    """Answer a customer whom the vendor leads back, by its own code; only what is known to have failed has a button."""
    page = Page.LEFT if code == LEFT_CODE else Page.FAILED
    return Answer(200, page if may_retry and code in NOT_WELL_CODES else Page.THANKS, LinkOutcome.RETURNED)
