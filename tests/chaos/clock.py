"""The vendor's time of a run: days pass in minutes, never later than the present; and the bridge that lives by it."""

import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.times import from_epoch_ms
from streams.bridge.checks import Signing
from streams.bridge.command import run_bridge
from streams.bridge.settings import BridgeSettings

TOKEN = "chaos-chaos-chaos-chaos"  # noqa: S105 - a bridge of a test
START, BEGAN = "CHAOS_CLOCK_START", "CHAOS_CLOCK_BEGAN"
SCALE, PORT, BOOTSTRAP = "CHAOS_CLOCK_SCALE", "CHAOS_BRIDGE_PORT", "TXPUSH_BOOTSTRAP"


@dataclass(frozen=True, slots=True)
class ScaledClock:
    """Runs from `start` on, `scale` times as fast as the machine's clock did since `began` (epoch seconds)."""

    start: datetime
    began: float
    scale: float

    @classmethod
    def over(cls, span: timedelta, seconds: float) -> "ScaledClock":
        """Give a clock that catches up with the present in `seconds`, having started `span` ago."""
        began = time.time()
        return cls(datetime.fromtimestamp(began, UTC) - span, began, span.total_seconds() / max(seconds, 1.0))

    def now(self) -> datetime:
        """Give the time in whole milliseconds."""
        wall = time.time()
        at = min(self.start.timestamp() + self.scale * (wall - self.began), wall)
        return from_epoch_ms(int(at * 1000))

    def environment(self) -> dict[str, str]:
        """Give what another process needs to have the same clock."""
        return {START: self.start.isoformat(), BEGAN: repr(self.began), SCALE: repr(self.scale)}

    @classmethod
    def of_environment(cls) -> "ScaledClock":
        """Take the clock that a parent process has set."""
        return cls(datetime.fromisoformat(os.environ[START]), float(os.environ[BEGAN]), float(os.environ[SCALE]))


def main() -> int:
    """Run the bridge by the clock of the environment."""
    settings = BridgeSettings(
        bootstrap=os.environ[BOOTSTRAP],
        tokens=(TOKEN,),
        port=int(os.environ[PORT]),
        admin_port=0,
        signing=Signing(enforce=False),
    )
    return run_bridge(settings, ScaledClock.of_environment())


if __name__ == "__main__":
    sys.exit(main())
