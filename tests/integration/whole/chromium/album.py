"""Every page of a walk: looked at in three ways, judged for everybody who is to use it, and kept as a picture."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.whole.chromium.browser import Browser

WAYS = (("desktop", 1000, 700, "light"), ("phone", 360, 700, "light"), ("phone-dark", 360, 700, "dark"))
MIN_TEXT, MIN_LARGE_TEXT, MIN_LINE = 4.5, 3.0, 3.0
"""Contrast by WCAG 2.2 AA: text, large text, and what shows where a field is."""
MIN_TARGET = 24.0
"""Pixels of what is pressed (WCAG 2.2 AA, target size)."""

_JUDGED = """(() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1})
  const pen = canvas.getContext('2d', {willReadFrequently: true})
  const rgba = (color) => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = color; pen.fillRect(0, 0, 1, 1)
                            return [...pen.getImageData(0, 0, 1, 1).data] }
  const light = (color) => { const [r, g, b] = rgba(color).map((one) => one / 255)
    .map((one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b }
  const contrast = (one, other) => { const [low, high] = [light(one), light(other)].sort((a, b) => a - b)
                                     return (high + 0.05) / (low + 0.05) }
  const behind = (it) => { for (let at = it; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor; if (rgba(color)[3] === 255) return color }
    return 'white' }
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const it = walker.currentNode.parentElement, style = getComputedStyle(it)
    if (!walker.currentNode.data.trim() || it.closest('script, style')) continue
    const size = parseFloat(style.fontSize)
    texts.push({text: walker.currentNode.data.trim(), contrast: contrast(style.color, behind(it)),
                large: size >= 24 || (size >= 18.66 && style.fontWeight >= 700)})
  }
  const fields = [...document.querySelectorAll('input:not([type=hidden])')].map((it) => ({
    name: it.name, labelled: it.labels.length > 0 && it.labels[0].textContent.trim() !== '',
    line: it.type === 'text' || it.type === 'password'
      ? contrast(getComputedStyle(it).borderTopColor, behind(it.parentElement)) : 21}))
  const targets = [...document.querySelectorAll('button, input:not([type=hidden])')].map((it) => {
    const box = (it.closest('label') ?? it).getBoundingClientRect()
    return {name: it.value, size: Math.min(box.width, box.height)} })
  return {lang: document.documentElement.lang, title: document.title, texts, fields, targets,
          headings: document.querySelectorAll('h1').length, mains: document.querySelectorAll('main').length,
          groups: [...document.querySelectorAll('input[type=radio], input[type=checkbox]')].every((it) =>
            it.closest('fieldset')?.querySelector('legend')?.textContent.trim()),
          wide: document.documentElement.scrollWidth > innerWidth}
})()"""


@dataclass
class Album:
    """A walk through pages in a browser; every page is kept."""

    browser: Browser
    folder: Path
    walk: str
    language: str = "en"
    seen: list[str] = field(default_factory=list)

    async def open(self, link: str) -> str:
        """Open a link; give the heading of the page."""
        return await self._kept(await self.browser.open(link))

    async def press(self, button: str = "", **fields: str) -> str:
        """Fill fields in and press a button; give the heading of the page then."""
        return await self._kept(await self.browser.press(button, **fields))

    async def _kept(self, heading: str) -> str:
        self.seen.append(heading)
        slug = re.sub(r"\W+", "-", heading.lower()).strip("-")
        for way, width, height, scheme in WAYS:
            await self.browser.show_as(width, height, scheme)
            path = self.folder / f"{self.walk}-{len(self.seen):02d}-{slug}-{way}.png"
            path.write_bytes(await self.browser.picture())
            problems = _problems(await self.browser.run(_JUDGED), self.language)
            assert not problems, f"{heading} ({way}): {problems}"
        width, height, scheme = WAYS[0][1:]
        await self.browser.show_as(width, height, scheme)
        assert not self.complaints(), f"{heading}: {self.complaints()}"
        return heading

    def complaints(self) -> list[str]:
        """Give what the browser complained of; that a page has a status of its own is none."""
        return [one for one in self.browser.said if not one.startswith("Failed to load resource")]


def _problems(judged: dict[str, Any], language: str) -> list[str]:
    """List what keeps people from using a page."""
    problems = [] if judged["lang"] == language else [f"language {judged['lang']!r}"]
    problems += [] if judged["title"] else ["no title"]
    problems += [] if (judged["headings"], judged["mains"]) == (1, 1) else ["not one heading in one main part"]
    problems += [f"no label: {one['name']}" for one in judged["fields"] if not one["labelled"]]
    problems += [] if judged["groups"] else ["choices without what is asked"]
    problems += ["wider than the screen"] if judged["wide"] else []
    for one in judged["texts"]:
        if one["contrast"] < (MIN_LARGE_TEXT if one["large"] else MIN_TEXT):
            problems.append(f"{one['text']!r} has a contrast of {one['contrast']:.1f}")
    problems += [f"field {one['name']} can hardly be seen" for one in judged["fields"] if one["line"] < MIN_LINE]
    return problems + [f"{one['name']}: {one['size']:.0f} px" for one in judged["targets"] if one["size"] < MIN_TARGET]
