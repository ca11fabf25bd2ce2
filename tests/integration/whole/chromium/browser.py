"""A headless Chromium that is used by keyboard alone, over the DevTools protocol."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.waiting import until

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
MISSING = "no Chromium on this machine: `apt-get install chromium`, or name one in CHROMIUM"
FLAGS = (
    *("--headless=new", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)
SECONDS = 30.0
MAX_STEPS = 60
"""Presses of a key to reach something on a page."""
MAX_MESSAGE_BYTES = 64 << 20
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), "ArrowDown": (40, ""), " ": (32, " ")}

_HEADING = "document.querySelector('h1')?.textContent ?? ''"
_FOCUSED = """(() => {
  const it = document.activeElement, style = getComputedStyle(it)
  return {tag: it.tagName.toLowerCase(), type: it.type ?? '', name: it.name ?? '', value: it.value ?? '',
          checked: it.checked === true, ring: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth)}
})()"""


def found() -> str | None:
    """Give the path of a Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *NAMES))), None)


@dataclass
class Browser:
    """One tab.

    Attributes:
        said: what the browser complained of: violations of content policies and errors of pages.
    """

    socket: aiohttp.ClientWebSocketResponse
    said: list[str] = field(default_factory=list)
    loads: int = 0
    _sent: int = 0
    _answers: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    # -- what a customer does

    async def open(self, link: str) -> str:
        """Open a link; give the heading of the page."""
        before = self.loads
        answer = await self.call("Page.navigate", url=link)
        assert "errorText" not in answer, answer["errorText"]
        return await self._loaded(before)

    async def press(self, button: str = "", **fields: str) -> str:
        """Fill fields in and press a button by its value, ours by none; give the heading of the page then.

        Everything by keyboard: Tab from one to the next, arrows among choices, Enter on the button.
        """
        left = dict(fields)
        for _ in range(MAX_STEPS):
            focused = await self.run(_FOCUSED)
            if focused["tag"] == "button" and focused["value"] == button and not left:
                assert focused["ring"] >= 2, "the focus cannot be seen"
                before = self.loads
                await self.key("Enter")
                return await self._loaded(before)
            if (value := left.pop(focused["name"], None)) is not None:
                await self._fill(focused, value)
            await self.key("Tab")
        raise AssertionError(f"{button or 'our button'}, {left}: not reached by keyboard")

    async def _fill(self, focused: dict[str, Any], value: str) -> None:
        assert focused["ring"] >= 2, "the focus cannot be seen"
        if focused["type"] != "radio":
            await self.call("Input.insertText", text=value)
            return
        for _ in range(MAX_STEPS):
            if focused["value"] == value:
                await self.key(" ")
                return
            await self.key("ArrowDown")
            focused = await self.run(_FOCUSED)
        raise AssertionError(f"no choice {value}")

    async def key(self, name: str) -> None:
        """Press a key."""
        code, text = KEYS[name]
        common = {"key": name, "code": "Space" if name == " " else name, "windowsVirtualKeyCode": code}
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        await self.call("Input.dispatchKeyEvent", **common, **down)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    async def _loaded(self, before: int) -> str:
        await until(lambda: self.loads > before, SECONDS)
        return str(await self.run(_HEADING))

    # -- what a test looks at

    async def run(self, script: str) -> Any:  # noqa: ANN401 - whatever the script gives
        """Run a script in the page, and give its value."""
        answer = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def picture(self) -> bytes:
        """Take a picture of the whole page, as PNG."""
        answer = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(answer["data"])

    async def show_as(self, width: int, height: int, scheme: str = "light") -> None:
        """Be a screen of this size, in light or dark."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        media = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=media)

    async def speak(self, language: str) -> None:
        """Ask for pages in a language."""
        await self.call("Network.setExtraHTTPHeaders", headers={"Accept-Language": language})

    # -- the protocol

    async def call(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - of the protocol
        """Make a call of the DevTools protocol, and give its result."""
        self._sent += 1
        waiting = self._answers[self._sent] = asyncio.get_running_loop().create_future()
        await self.socket.send_json({"id": self._sent, "method": method, "params": params})
        return await asyncio.wait_for(waiting, SECONDS)

    async def read(self) -> None:
        """Take what the browser says, until it hangs up."""
        async for message in self.socket:
            self._take(json.loads(message.data))

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            waiting = self._answers.pop(message["id"])
            if "error" in message:
                waiting.set_exception(AssertionError(message["error"]["message"]))
            elif not waiting.done():
                waiting.set_result(message["result"])
        elif message["method"] == "Page.loadEventFired":
            self.loads += 1
        elif message["method"] == "Log.entryAdded":
            self.said.append(message["params"]["entry"]["text"])
        elif message["method"] == "Audits.issueAdded":
            self.said.append(json.dumps(message["params"]["issue"]))


@asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Browser]:
    """Start a Chromium with a profile of its own in a folder, and open a tab."""
    path = found()
    assert path is not None, MISSING
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    profile = folder / "profile"
    with (folder / "chromium.log").open("wb") as log:
        command = [path, *FLAGS, *root, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220 - it only starts
    try:
        await until(lambda: _port(profile) or process.poll() is not None, SECONDS)
        assert process.poll() is None, (folder / "chromium.log").read_text()
        port = _port(profile)
        async with aiohttp.ClientSession() as session, _tab(session, port) as browser:
            yield browser
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, SECONDS)


def _port(profile: Path) -> str:
    """Give the port that the browser listens on; nothing before it does."""
    told = profile / "DevToolsActivePort"
    return told.read_text().partition("\n")[0] if told.exists() else ""


@asynccontextmanager
async def _tab(session: aiohttp.ClientSession, port: str) -> AsyncIterator[Browser]:
    async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
        (tab,) = [one for one in await answer.json() if one["type"] == "page"]
    async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=MAX_MESSAGE_BYTES) as socket:
        browser = Browser(socket)
        reading = asyncio.create_task(browser.read())
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            await browser.call(f"{domain}.enable")
        await browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
        yield browser
        reading.cancel()
        await asyncio.wait([reading], timeout=SECONDS)
