"""Everything that reads bytes from outside, by name, with what it may answer."""

from tests.fuzz.decoders.bridge import BRIDGE
from tests.fuzz.decoders.decoder import Decoder
from tests.fuzz.decoders.files import FILES
from tests.fuzz.decoders.log import LOG
from tests.fuzz.decoders.vendor import VENDOR

DECODERS: dict[str, Decoder] = {one.name: one for one in (*BRIDGE, *LOG, *VENDOR, *FILES)}

__all__ = ["DECODERS", "Decoder"]
