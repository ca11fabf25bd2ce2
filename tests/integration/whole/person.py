"""A customer whose browser has no script: opens our links, presses the button, and keeps every page of ours."""

import re
from dataclasses import dataclass, field

import httpx

from streams.sandbox.visitor import Page, Visitor

_HEADING = re.compile(r"<h1>([^<]*)</h1>")


@dataclass
class Person:
    """One customer; `pages` are all answers of the executor that were seen."""

    browser: httpx.AsyncClient = field(repr=False)
    our_url: str
    pages: list[httpx.Response] = field(repr=False)
    _link: str = field(default="", repr=False)
    _visitor: Visitor | None = None

    async def look(self, link: str) -> httpx.Response:
        """Open a link of ours."""
        return self._kept(await self.browser.get(link, follow_redirects=False))

    async def post(self, link: str) -> httpx.Response:
        """Press the button on the page of a link of ours."""
        return self._kept(await self.browser.post(link, follow_redirects=False))

    async def open(self, link: str) -> str:
        """Open a link, ours or the vendor's; give the heading of the page."""
        if link.startswith(self.our_url):
            self._link, self._visitor = link, None
            return heading(await self.look(link))
        self._visitor = Visitor(self.browser)
        return await self._seen(await self._visitor.open(link))

    async def press(self, button: str = "", **fields: str) -> str:
        """Fill fields in and press a button by its value, ours by none; give the heading of the page then."""
        if self._visitor is not None:
            return await self._seen(await self._visitor.press(button, **fields))
        answer = await self.post(self._link)
        return await self.open(answer.headers["location"]) if answer.has_redirect_location else heading(answer)

    async def repair(self, link: str) -> str:
        """Go the whole way, from our page to our page."""
        await self.open(link)
        await self.press()
        await self.press("answer", answer="kite")
        return await self.press("finish")

    async def _seen(self, page: Page) -> str:
        return page.title if page.left_to is None else await self.open(str(page.left_to))

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        self.pages.append(answer)
        return answer


def heading(page: httpx.Response) -> str:
    """Give the heading of a page."""
    found = _HEADING.search(page.text)
    return "" if found is None else found[1]
