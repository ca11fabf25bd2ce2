"""Everything that looks random, by label: the same seed gives the same sandbox, whatever the order of asking."""

import hashlib
import string

_LETTERS = string.ascii_letters + string.digits
_BLOCK = 32


class Seed:
    """Draws from a text; two labels never hang together."""

    def __init__(self, text: str) -> None:
        self._text = text

    def share(self, *label: object) -> float:
        """Give a number from 0, inclusive, to 1."""
        return int.from_bytes(self._digest(label, 0)[:7]) / 2**56

    def text(self, length: int, *label: object) -> str:
        """Give `length` letters and digits."""
        blocks = range(1 + length // _BLOCK)
        drawn = b"".join(self._digest(label, block) for block in blocks)
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in drawn)[:length]

    def _digest(self, label: tuple[object, ...], block: int) -> bytes:
        return hashlib.sha256("\0".join([self._text, *map(str, label), str(block)]).encode()).digest()
