"""Faults on request, by share and seed: of the API's answers and of the webhooks' deliveries."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from streams.sandbox.seed import Seed


class FaultName(StrEnum):
    """What can be made to go wrong."""

    SLOW = "slow"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    CHALLENGED = "challenged"
    XML = "xml"
    GARBLED = "garbled"
    LOST = "lost"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"
    LATE = "late"
    WRONG_SIGNATURE = "wrong_signature"
    MALFORMED = "malformed"


API_FAULTS = tuple(FaultName)[:6]
WEBHOOK_FAULTS = tuple(FaultName)[6:]
DEFAULT_SECONDS = {FaultName.SLOW: 1.0, FaultName.LATE: 3600.0}
MAX_SLOW_SECONDS = 60.0


@dataclass(slots=True)
class Fault:
    """One fault.

    Attributes:
        share: part of the calls or webhooks that it meets, 0 to 1.
        times: how often it happens before it is over; None without end.
        seconds: of `slow` in real time, 60 at most; of `late` on the sandbox's clock.
        copies: of `duplicated`, how often a webhook is delivered.
        path: only calls whose path, or webhooks whose address, has this text in it.
    """

    share: float = 1.0
    times: int | None = None
    seconds: float | None = None
    copies: int = 2
    path: str = ""

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"share: {self.share} is not from 0 to 1")


class Faults:
    """Which faults are asked for, and a draw for each chance."""

    def __init__(self, seed: Seed) -> None:
        self._seed = seed
        self._drawn: Counter[FaultName] = Counter()
        self.wanted: dict[FaultName, Fault] = {}
        self.happened: Counter[FaultName] = Counter()

    def strikes(self, name: FaultName, path: str) -> Fault | None:
        """Draw: give the fault where it happens now."""
        fault = self.wanted.get(name)
        if fault is None or fault.path not in path or fault.times == 0:
            return None
        self._drawn[name] += 1
        if self._seed.share("fault", name, self._drawn[name]) >= fault.share:
            return None
        if fault.times is not None:
            fault.times -= 1
        self.happened[name] += 1
        return fault

    def seconds(self, name: FaultName, path: str) -> float:
        """Draw a fault that lasts: give its seconds, 0 where it does not happen."""
        fault = self.strikes(name, path)
        if fault is None:
            return 0.0
        return DEFAULT_SECONDS[name] if fault.seconds is None else fault.seconds
