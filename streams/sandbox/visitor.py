"""Somebody who uses the hosted page without a browser: reads its forms and presses its buttons over HTTP."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx

MAX_REDIRECTS = 5
FORM = {"content-type": "application/x-www-form-urlencoded"}


class VisitError(RuntimeError):
    """The page has no such button or field; the message lists what it has."""


@dataclass(slots=True)
class Page:
    """What a visitor sees.

    Attributes:
        title: the heading.
        problem: what the page says about the last entry, "" when nothing.
        options: for every field its values to choose from, none for one to fill in.
        checked: the values that are chosen already.
        buttons: the values of the buttons, in order.
        left_to: where the page has sent the visitor, once it is over.
    """

    url: httpx.URL = field(repr=False)
    status: int
    title: str = ""
    problem: str = ""
    options: dict[str, list[str]] = field(default_factory=dict)
    checked: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)
    left_to: httpx.URL | None = field(default=None, repr=False)


class Visitor:
    """One visitor of one page."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._page: Page | None = None

    async def open(self, link: str) -> Page:
        """Open a link."""
        url = httpx.URL(link)
        return await self._follow(await self._client.get(url, follow_redirects=False), url)

    async def press(self, button: str, **fields: str | list[str]) -> Page:
        """Fill fields in and press a button; fields left out keep what the page has chosen.

        Raises:
            VisitError: the page has no such button or field.
        """
        page = self._page
        if page is None or button not in page.buttons or not fields.keys() <= page.options.keys():
            raise VisitError(f"no {button} with {', '.join(fields) or 'no fields'} on the page: {page}")
        content = urlencode({**page.checked, **fields, "action": button}, doseq=True)
        reply = await self._client.post(page.url, content=content, headers=FORM, follow_redirects=False)
        return await self._follow(reply, page.url)

    async def _follow(self, reply: httpx.Response, url: httpx.URL) -> Page:
        """Follow redirects on the same host; one that leads elsewhere ends the visit."""
        for _ in range(MAX_REDIRECTS):
            if not reply.is_redirect:
                break
            target = url.join(reply.headers["location"])
            if (target.host, target.port) != (url.host, url.port):
                self._page = Page(url, reply.status_code, left_to=target)
                return self._page
            url = target
            reply = await self._client.get(url, follow_redirects=False)
        self._page = _read(reply, url)
        return self._page


def _read(reply: httpx.Response, url: httpx.URL) -> Page:
    reader = _Reader(Page(url, reply.status_code))
    reader.feed(reply.text)
    return reader.page


class _Reader(HTMLParser):
    """Takes from the HTML what a visitor acts on."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note headings, problems, fields and buttons."""
        have = {name: value or "" for name, value in attrs}
        self._inside = "problem" if have.get("role") == "alert" else tag
        if tag == "button":
            self.page.buttons.append(have["value"])
        if tag == "input":
            self._field(have)

    def handle_data(self, data: str) -> None:
        """Note the words of headings and problems."""
        if self._inside == "h1":
            self.page.title += data
        if self._inside == "problem":
            self.page.problem += data

    def handle_endtag(self, tag: str) -> None:
        """Leave what was entered."""
        del tag
        self._inside = ""

    def _field(self, have: dict[str, str]) -> None:
        options = self.page.options.setdefault(have["name"], [])
        if have["type"] not in {"text", "password"}:
            options.append(have["value"])
        if "checked" in have or have["type"] == "hidden":
            self.page.checked.setdefault(have["name"], []).append(have["value"])
