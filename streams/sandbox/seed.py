"""Everything that looks random, by label: the same seed gives the same sandbox, whatever the order of asking."""

import base64
import hashlib


class Seed:
    """Draws from a text; two labels never hang together."""

    def __init__(self, text: str) -> None:
        self._text = text

    def share(self, *label: object) -> float:
        """Give a number from 0, inclusive, to 1."""
        return int.from_bytes(self._digest(label, 0)[:7]) / 2**56

    def text(self, length: int, *label: object) -> str:
        """Give `length` letters and digits."""
        drawn = ""
        for block in range(length):
            drawn += base64.b64encode(self._digest(label, block)).decode().translate(_PLAIN)
            if len(drawn) >= length:
                break
        return drawn[:length]

    def _digest(self, label: tuple[object, ...], block: int) -> bytes:
        return hashlib.sha256("\0".join([self._text, *map(str, label), str(block)]).encode()).digest()


_PLAIN = str.maketrans({"+": None, "/": None, "=": None})
