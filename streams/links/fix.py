"""A link of ours to a command: its id and its end in a deterministic AES-SIV token (design section 5)."""

import base64
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from schemas.times import from_epoch_ms, to_epoch_ms
from streams.links.errors import ExpiredLinkError, ForgedLinkError
from streams.settings import Settings, SettingsError

LIFETIME = timedelta(days=9)
"""From the time of the message: past the last reminder of the schedule, a week after the first, by two days (R8)."""
PATH = "/fix/"

_PURPOSE = [b"txpush fix link 1"]
"""Sealed along: a token of another purpose or shape under the same key opens nothing here."""
_ID_BYTES, _END_BYTES, _SIV_BYTES = 16, 6, 16
_TOKEN_CHARACTERS = -(-(_ID_BYTES + _END_BYTES + _SIV_BYTES) * 4 // 3)
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{_TOKEN_CHARACTERS}}}")


class FixLinks:
    """Seals with the first key and reads with all; equal messages get equal links, so a repeated one is the same.

    Args:
        keys: 32 bytes each; the one in use and, while it is replaced, the one before it or the one to come.
        base_url: scheme and host of the executor as customers reach it, without a path.
    """

    def __init__(self, keys: Sequence[bytes], base_url: str) -> None:
        self._ciphers = tuple(map(AESSIV, keys))
        self._base_url = base_url

    def url(self, command_id: str, at: datetime) -> str:
        """Give the link of a message with the time `at`; it ends `LIFETIME` after that."""
        return f"{self._base_url}{PATH}{self.token(command_id, at)}"

    def token(self, command_id: str, at: datetime) -> str:
        """Give the last part of that link: unpadded base64url."""
        end = to_epoch_ms(at + LIFETIME).to_bytes(_END_BYTES, "big")
        sealed = self._ciphers[0].encrypt(UUID(command_id).bytes + end, _PURPOSE)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def address(self, token: str, page: str = "") -> str:
        """Give the link that a token stands in, or a page behind it."""
        return f"{self._base_url}{PATH}{token}{page}"

    def read(self, token: str, now: datetime) -> str:
        """Give the id of the command, up to the end of the link and not at it.

        Raises:
            ForgedLinkError: no key of ours opens it.
            ExpiredLinkError: its time is over.
        """
        opened = self._opened(_decoded(token))
        if from_epoch_ms(int.from_bytes(opened[_ID_BYTES:], "big")) <= now:
            raise ExpiredLinkError("the link's time is over")
        return str(UUID(bytes=opened[:_ID_BYTES]))

    def _opened(self, sealed: bytes) -> bytes:
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(sealed, _PURPOSE)
            except InvalidTag:
                continue
        raise ForgedLinkError("no key of ours opens the link")


def _decoded(token: str) -> bytes:
    """Read base64url; only the one spelling that we write."""
    if _TOKEN.fullmatch(token):
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        if base64.urlsafe_b64encode(sealed).rstrip(b"=").decode() == token:
            return sealed
    raise ForgedLinkError("the link is none of ours")


def links_of(settings: Settings) -> FixLinks | None:
    """Give the links that the settings ask for; None where they ask for none.

    Raises:
        SettingsError: an address without a key, or the other way round.
    """
    if settings.link_url is None and not settings.link_keys:
        return None
    if settings.link_url is None:
        raise SettingsError("TXPUSH_LINK_URL: missing, and TXPUSH_LINK_KEYS is set; set both, or neither")
    if not settings.link_keys:
        raise SettingsError(
            "TXPUSH_LINK_KEYS: missing, and TXPUSH_LINK_URL is set; make a key with `openssl rand -hex 32`"
        )
    return FixLinks([bytes.fromhex(key.get_secret_value()) for key in settings.link_keys], settings.link_url)
