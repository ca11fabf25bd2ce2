"""A customer whose browser has no script: opens our links and presses the button, and keeps every page of ours."""

from dataclasses import dataclass, field

import httpx

from streams.sandbox.visitor import Page, Visitor

ANSWER = "kite"
"""What the bank takes for the right picture; any but `fail` is."""


@dataclass
class Person:
    """One customer; `pages` are all answers of the executor that were seen."""

    browser: httpx.AsyncClient = field(repr=False)
    pages: list[httpx.Response] = field(repr=False)

    async def look(self, link: str) -> httpx.Response:
        """Open a link of ours."""
        return self._kept(await self.browser.get(link, follow_redirects=False))

    async def press(self, link: str) -> httpx.Response:
        """Press the button on the page of a link of ours."""
        return self._kept(await self.browser.post(link, follow_redirects=False))

    async def visit(self, link: str) -> tuple[Visitor, Page]:
        """Press the button, and go where it leads."""
        answer = await self.press(link)
        assert answer.status_code == httpx.codes.SEE_OTHER, answer.text
        visitor = Visitor(self.browser)
        return visitor, await visitor.open(answer.headers["location"])

    async def repair(self, link: str, *wrong: str) -> httpx.Response:
        """Go the whole way: the button, the bank's question with wrong answers first, and back to our page."""
        visitor, page = await self.visit(link)
        for answer in wrong:
            page = await visitor.press("answer", answer=answer)
            assert page.problem
        await visitor.press("answer", answer=ANSWER)
        left = (await visitor.press("finish")).left_to
        assert left is not None
        return await self.look(str(left))

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        self.pages.append(answer)
        return answer
