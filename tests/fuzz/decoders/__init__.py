"""Everything that reads bytes from outside, by name, with what it may answer."""

from tests.fuzz.decoder import Decoder
from tests.fuzz.decoders.audit import AUDITORS
from tests.fuzz.decoders.bridge import BRIDGE
from tests.fuzz.decoders.canary import CANARY
from tests.fuzz.decoders.disk import DISK
from tests.fuzz.decoders.exports import EXPORTS
from tests.fuzz.decoders.files import FILES
from tests.fuzz.decoders.log import LOG
from tests.fuzz.decoders.names import NAMED
from tests.fuzz.decoders.operators import OPERATORS
from tests.fuzz.decoders.sandbox import SANDBOX
from tests.fuzz.decoders.settings import SETTINGS
from tests.fuzz.decoders.state import STATE
from tests.fuzz.decoders.vendor import VENDOR

EVERY = (
    *BRIDGE,
    *LOG,
    *STATE,
    *VENDOR,
    *OPERATORS,
    *DISK,
    *FILES,
    *EXPORTS,
    *NAMED,
    *SETTINGS,
    *SANDBOX,
    *CANARY,
    *AUDITORS,
)
DECODERS: dict[str, Decoder] = {one.name: one for one in EVERY}

__all__ = ["DECODERS", "Decoder"]
