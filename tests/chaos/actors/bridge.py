"""The bridge as it ships, by a clock file, which `txpush bridge` does not take while no broker answers."""

import os
import sys
from pathlib import Path

from streams.bridge.checks import Signing
from streams.bridge.command import run_bridge
from streams.bridge.settings import BridgeSettings
from streams.clock import PacedClock

TOKEN = "chaos-chaos-chaos-chaos"  # noqa: S105 - a bridge of a test
PORT, CLOCK, BOOTSTRAP = "CHAOS_BRIDGE_PORT", "CHAOS_BRIDGE_CLOCK", "TXPUSH_BOOTSTRAP"


def main() -> int:
    """Run the bridge by the clock of the environment."""
    settings = BridgeSettings(
        bootstrap=os.environ[BOOTSTRAP],
        tokens=(TOKEN,),
        port=int(os.environ[PORT]),
        admin_port=0,
        signing=Signing(enforce=False),
    )
    return run_bridge(settings, PacedClock(Path(os.environ[CLOCK])))


if __name__ == "__main__":
    sys.exit(main())
