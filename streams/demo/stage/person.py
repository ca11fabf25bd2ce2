"""A customer at the pages: reads them, and presses their buttons over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from streams.demo.stage.processes import DemoError
from streams.sandbox.visitor import Page, VisitError, Visitor

FINBANK = "101732"
USER, PASSWORD = "tfa_multi", "go"
ANSWER = "boat"
WORKED = "That worked"


async def connect(client: httpx.AsyncClient, link: str) -> None:
    """Connect FinBank on the vendor's page, with every account there. Raises DemoError when the page says otherwise."""
    visitor = Visitor(client)
    with _as_in_the_story():
        await visitor.open(link)
        await visitor.press("choose", institution=FINBANK)
        await visitor.press("sign_in", username=USER, password=PASSWORD)
        await visitor.press("answer", answer=ANSWER)
        _worked(await visitor.press("save"))
        await visitor.press("finish")


async def repair(client: httpx.AsyncClient, link: str) -> None:
    """Open our link, press its button, and answer the bank's question on the vendor's page; ends where we say thanks.

    Raises DemoError when a page says otherwise.
    """
    shown = await client.get(link)
    pressed = await client.post(link, follow_redirects=False)
    if shown.status_code != httpx.codes.OK or "<button" not in shown.text or not pressed.has_redirect_location:
        raise DemoError(
            f"The executor answered {shown.status_code} to GET and {pressed.status_code} to POST of a link."
        )
    visitor = Visitor(client)
    with _as_in_the_story():
        await visitor.open(pressed.headers["location"])
        _worked(await visitor.press("answer", answer=ANSWER))
        back = (await visitor.press("finish")).left_to
    if back is None or (await client.get(back)).status_code != httpx.codes.OK:
        raise DemoError("The vendor's page did not lead back to a page of the executor.")


@contextmanager
def _as_in_the_story() -> Iterator[None]:
    try:
        yield
    except VisitError as error:
        raise DemoError("The vendor's page is not as the story has it.", str(error)) from None


def _worked(page: Page) -> None:
    if page.title != WORKED:
        raise DemoError(f"The vendor's page says {page.title!r} {page.problem!r} instead of {WORKED!r}.")
