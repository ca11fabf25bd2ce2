"""The vendor's flow in a real browser: every page of ours and of the sandbox, by keyboard alone, and how it looks."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from streams.links import FixLinks
from tests.integration.whole.canaries import OPENINGS
from tests.integration.whole.chromium.album import Album
from tests.integration.whole.chromium.browser import MISSING, Browser, browsing, found
from tests.integration.whole.recipe import FINBANK, broken, how_to_test_data_connect_fix
from tests.integration.whole.stack import END_SECONDS, LINK_KEY, Flow

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(found() is None, reason=MISSING),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    async with browsing(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: the folder of SCREENSHOTS, or one that pytest clears away."""
    chosen = os.environ.get("SCREENSHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_how_to_test_data_connect_fix(flow: Flow, browser: Browser, folder: Path) -> None:
    """The vendor page's own seven steps by keyboard; no content policy of ours is in the way of the redirect."""
    await how_to_test_data_connect_fix(flow, Album(browser, folder, "recipe"))


async def test_wrong_answers_and_leaving(flow: Flow, browser: Browser, folder: Path) -> None:
    """Whoever leaves is offered the button again, and it works; wrong answers are told, and five end the visit."""
    command = await broken(flow, "tfa_text")
    album = Album(browser, folder, "answers")
    await album.open(command["fix_url"])
    await album.press()
    assert await album.press("exit") == "You are not quite done"
    assert await album.press() == "One question from your bank"
    for _ in range(4):
        assert await album.press("answer", answer="fail") == "One question from your bank"
    assert await album.press("answer", answer="fail") == "That did not work"
    assert await album.press() == "One question from your bank"
    assert await album.press("answer", answer="Rex") == "That worked"
    assert await album.press("finish") == "Thank you"
    await flow.whole.told(command["customer_id"], "issue", "update", "complete")


async def test_when_the_vendor_cannot_be_reached(flow: Flow, browser: Browser, folder: Path) -> None:
    """Without the bridge there is no link: try again, by the button on the page, as often as one likes."""
    command = await broken(flow, "demo", code=103)
    album = Album(browser, folder, "away")
    bridge = flow.whole.parts["bridge"]
    await asyncio.to_thread(bridge.stop, END_SECONDS)
    await album.open(command["fix_url"])
    for _ in range(6):
        assert await album.press() == "Please try again in a moment"
    bridge.start()
    await asyncio.to_thread(bridge.until_ready)


async def test_links_that_lead_nowhere_any_more(flow: Flow, browser: Browser, folder: Path) -> None:
    """Too old, never ours, changed at the vendor, not needed any more: a page each, in plain words."""
    command = await broken(flow, "demo", code=103)
    album, sandbox = Album(browser, folder, "ended"), flow.whole.sandbox
    links = FixLinks([bytes.fromhex(LINK_KEY)], flow.whole.settings["TXPUSH_LINK_URL"])
    assert (
        await album.open(links.url(command["command_id"], datetime.now(UTC) - timedelta(days=9)))
        == "This link is too old"
    )
    assert await album.open(f"{command['fix_url']}x") == "We cannot open this link"
    assert await album.open(flow.whole.settings["TXPUSH_LINK_URL"]) == "We cannot open this link"
    await album.open(command["fix_url"])
    sandbox.set_fault("lost", times=1, path="/txpush")
    (account,) = command["account_ids"]
    sandbox.delete_account(account)
    assert await album.press() == "This connection has changed"


async def test_a_command_that_was_called_off(flow: Flow, browser: Browser, folder: Path) -> None:
    """The account was deleted: the link says that nothing is left to do for it."""
    command = await broken(flow, "demo", code=109)
    (account,) = command["account_ids"]
    flow.whole.sandbox.delete_account(account)
    await flow.whole.told(command["customer_id"], "issue", "withdraw")
    album = Album(browser, folder, "called-off")
    assert await album.open(command["fix_url"]) == "This link is no longer needed"


async def test_the_other_pages_of_the_sandbox(flow: Flow, browser: Browser, folder: Path) -> None:
    """Banks in trouble, OAuth, accounts that are shared already, logins that need nothing: by keyboard as well."""
    sandbox, album = flow.whole.sandbox, Album(browser, folder, "sandbox")
    oauth = sandbox.add_institution("Bank of Consent", oauth=True)
    down = sandbox.add_institution("Bank of Quiet", trouble=102)
    customer = (await broken(flow))["customer_id"]
    await album.open(await flow.api.link("", customerId=customer))
    assert await album.press("choose", institution=down.id) == "This cannot be done now"
    assert await album.press("exit") == "You can close this window"
    await album.open(await flow.api.link("", customerId=customer))
    assert await album.press("choose", institution=oauth.id) == "Agree at Bank of Consent"
    assert await album.press("approve") == "Choose your accounts"
    assert await album.press("exit") == "You can close this window"
    login = sandbox.add_login(customer, FINBANK, "demo", "go", OPENINGS).id
    assert (
        await album.open(await flow.api.link("/fix", customerId=customer, institutionLoginId=login)) == "Nothing to do"
    )
    assert await album.open(f"{flow.whole.vendor_url}/connect?signature=none") == "This link is not known"


@pytest.mark.parametrize(
    ("language", "heading"),
    [("es-MX", "Vuelva a conectar su cuenta bancaria"), ("fr-CA", "Reconnectez votre compte bancaire")],
)
async def test_languages(flow: Flow, browser: Browser, folder: Path, language: str, heading: str) -> None:
    """The browser's language is that of the page, and the page says so to screen readers."""
    command = await broken(flow, "demo", code=103)
    album = Album(browser, folder, "language", language[:2])
    await browser.speak(language)
    try:
        assert await album.open(command["fix_url"]) == heading
    finally:
        await browser.speak("en")
