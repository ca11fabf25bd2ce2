"""Who plays: the processes, their ports and settings."""

from dataclasses import dataclass, field
from pathlib import Path

from streams.demo.stage.partner import APP_KEY, PARTNER_ID, SECRET
from streams.demo.stage.processes import Worker
from streams.kafka import topics
from streams.kafka.embedded.machine import HOST, free_ports
from streams.settings import PREFIX

TOKEN = "demo-callback-token-0000"  # noqa: S105 - no secret: it lives as long as the demo and on this machine only
SEALING_KEY = "demo-sealing-key-for-this-machine-only"
LINK_KEY = "0d" * 32
WORKERS = (
    ("sandbox", "sandbox"),
    ("bridge", "bridge"),
    ("agent-0", "agent"),
    ("agent-1", "agent"),
    ("institutions", "institutions"),
    ("executor", "executor"),
)
"""Name and subcommand of each process."""
PER_SECOND = "500"
"""Calls to the vendor: the sandbox bears more than the vendor."""


@dataclass(frozen=True, slots=True)
class Cast:
    """The workers, the settings that all have, and the addresses of sandbox and bridge."""

    workers: tuple[Worker, ...]
    settings: dict[str, str] = field(repr=False)
    sandbox: str
    bridge: str

    @property
    def connect(self) -> str:
        """Give where the events of Data Connect go."""
        return f"{self.bridge}/{TOKEN}/connect"


def cast(bootstrap: str, clock: Path) -> Cast:
    """Choose ports for the workers and write their settings."""
    ports = iter((*(chosen := free_ports(len(WORKERS))).clients, *chosen.controllers))
    sandbox, bridge, executor = (next(ports) for _ in range(3))
    settings = {
        "BOOTSTRAP": bootstrap,
        "PARTITIONS": str(topics.EMBEDDED.partitions),
        "REPLICATION": str(topics.EMBEDDED.replication),
        "CLOCK": str(clock),
        "CALLBACK_TOKENS": TOKEN,
        "PUBLIC_URL": _address(bridge),
        "SEALING_KEYS": SEALING_KEY,
        "VENDOR_URL": _address(sandbox),
        "APP_KEY": APP_KEY,
        "PARTNER_ID": PARTNER_ID,
        "PARTNER_SECRETS": SECRET,
        "VENDOR_PER_SECOND": PER_SECOND,
        "VENDOR_INSTITUTION_PER_SECOND": PER_SECOND,
        "LINK_URL": _address(executor),
        "LINK_KEYS": LINK_KEY,
        "SANDBOX_PORT": str(sandbox),
        "BRIDGE_PORT": str(bridge),
        "EXECUTOR_PORT": str(executor),
        "SHUTDOWN_SECONDS": "6",
    }
    named = {f"{PREFIX}{name}": value for name, value in settings.items()}
    workers = tuple(
        Worker(name, command, next(ports), {**named, f"{PREFIX}INSTANCE": name}) for name, command in WORKERS
    )
    return Cast(workers, named, _address(sandbox), _address(bridge))


def _address(port: int) -> str:
    return f"http://{HOST}:{port}"
