"""A page as it is sent: small, whole, with nothing from anywhere else and nothing of the customer in it."""

import base64
import hashlib
from html import escape
from urllib.parse import urlsplit

from streams.executor.pages.language import Language
from streams.executor.pages.texts import TEXTS, Page

WITH_BUTTON = frozenset({Page.BUTTON, Page.LEFT, Page.FAILED, Page.LATER, Page.NOT_SOON, Page.TOO_OFTEN})
"""Where pressing it, now or in a while, helps. The form has no address: it posts to where the page is, so that no page
has a link in it."""

STYLE = (
    "*{box-sizing:border-box}"
    "body{margin:0;font:1.125rem/1.6 system-ui,sans-serif;color:#1a1a1a;background:#f4f4f2}"
    "main{max-width:36rem;margin:12vh auto;padding:2rem;background:#fff;border-radius:.5rem}"
    "h1{margin:0 0 1rem;font-size:1.6rem;line-height:1.25}"
    "button{font:inherit;font-weight:600;padding:.75rem 1.5rem;border:0;border-radius:.375rem;"
    "color:#fff;background:#0b57a4;cursor:pointer}"
    "button:hover{background:#084482}"
    "button:focus-visible{outline:3px solid #1a1a1a;outline-offset:3px}"
    "@media (prefers-color-scheme:dark){body{color:#f2f2f2;background:#161616}main{background:#242424}"
    "button{color:#10243a;background:#9ccaff}button:hover{background:#c2deff}"
    "button:focus-visible{outline-color:#f2f2f2}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def html(page: Page, language: Language) -> str:
    """Give the document."""
    text = TEXTS[language][page]
    form = f'<form method="post"><button type="submit">{escape(text.button)}</button></form>'
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="robots" content="noindex, nofollow">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(text.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(text.title)}</h1>\n<p>{escape(text.says)}</p>\n"
        f"{form if page in WITH_BUTTON else ''}\n</main>\n</body>\n</html>\n"
    )


def headers(vendor_url: str) -> dict[str, str]:
    """Give what goes with every answer: nothing is stored, indexed, framed, or told to the next site.

    Browsers hold `form-action` against the redirect that a form leads to as well, so the vendor has to be in it: any
    https address, and that of a sandbox on plain HTTP.
    """
    address = urlsplit(vendor_url)
    targets = "'self' https:" if address.scheme == "https" else f"'self' https: {address.scheme}://{address.netloc}"
    return {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex, nofollow",
        "x-content-type-options": "nosniff",
        "vary": "accept-language",
        "content-security-policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {targets}; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
    }
