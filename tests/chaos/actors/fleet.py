"""All worker processes of a run, as they ship, with the settings that they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from streams.kafka.embedded.machine import free_ports
from streams.kafka.topics import AGENT, INSTITUTIONS
from tests.chaos.actors import bridge
from tests.chaos.actors.clock import ClockFiles
from tests.chaos.actors.workers import DEATHS_FILE, Worker
from tests.chaos.faults import profiles
from tests.chaos.faults.profiles import Profile

PARTITIONS = 4
LINK_KEY = "c0ffee" + "5a" * 29
AGENT_MODULE = "streams.agent.app"
OPENINGS = "tests.chaos.actors.openings"
POLICY = """
version = "chaos"
[ticket]
quiet_days = 1
[state]
forget_days = 1
dedupe_days = 1
"""


@dataclass(slots=True)
class Fleet:
    """The workers by group; those in reserve are not on duty. `vendor_url` is needed where executors run."""

    profile: Profile
    folder: Path
    bootstrap: str
    clocks: ClockFiles
    session_seconds: float
    vendor_url: str = ""
    agent_module: str = AGENT_MODULE
    local_state: bool = False
    groups: Mapping[str, Sequence[Worker]] = field(init=False)
    bridge_ports: tuple[int, ...] = field(init=False)
    _executor_ports: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Make the workers; none runs yet."""
        profile = self.profile
        (self.folder / "policy.toml").write_text(POLICY)
        self.bridge_ports = free_ports(profile.bridges).clients
        self._executor_ports = free_ports(profile.executors).clients if profile.executors else ()
        agents = [self._agent(number) for number in range(profile.agents + profile.reserve)]
        institutions = self._worker("institutions-0", ("-m", OPENINGS, "streams.institutions.app"), {}, INSTITUTIONS)
        groups = {
            profiles.AGENTS: agents,
            profiles.INSTITUTIONS: [institutions],
            profiles.BRIDGES: [self._bridge(number) for number in range(profile.bridges)],
            profiles.EXECUTORS: [self._executor(number) for number in range(profile.executors)],
        }
        self.groups = {name: workers for name, workers in groups.items() if workers}
        if profile.spares:
            agents[profile.agents - 1].spared = self.groups[profiles.BRIDGES][-1].spared = True

    @property
    def workers(self) -> list[Worker]:
        """All of them."""
        return [worker for group in self.groups.values() for worker in group]

    @property
    def link_url(self) -> str | None:
        """Where customers' links lead; None without an executor."""
        return f"http://127.0.0.1:{self._executor_ports[0]}" if self._executor_ports else None

    def kept(self, application: str) -> set[int]:
        """Give the partitions of a fold whose state is on the disk of any worker."""
        return {int(head.stem) for head in self.folder.glob(f"*.state/{application}/*.head")}

    def _agent(self, number: int) -> Worker:
        name = f"agent-{number}"
        own = {DEATHS_FILE: str(self.folder / f"{name}.deaths")}
        worker = self._worker(name, ("-m", OPENINGS, self.agent_module), own | self._links(), AGENT)
        worker.on_duty = number < self.profile.agents
        return worker

    def _bridge(self, number: int) -> Worker:
        name = f"bridge-{number}"
        own = {bridge.PORT: str(self.bridge_ports[number]), bridge.CLOCK: str(self.clocks.file_of(name))}
        return Worker(name, ("-m", bridge.__name__), {bridge.BOOTSTRAP: self.bootstrap, **own}, self.folder)

    def _executor(self, number: int) -> Worker:
        own = {
            "TXPUSH_EXECUTOR_PORT": str(self._executor_ports[number]),
            "TXPUSH_PUBLIC_URL": f"http://127.0.0.1:{self.bridge_ports[0]}",
            "TXPUSH_CALLBACK_TOKENS": bridge.TOKEN,
            "TXPUSH_VENDOR_URL": self.vendor_url,
            "TXPUSH_VENDOR_PER_SECOND": "200",
            "TXPUSH_VENDOR_INSTITUTION_PER_SECOND": "200",
            "TXPUSH_APP_KEY": "sandbox-app-key",
            "TXPUSH_PARTNER_ID": "sandbox-partner",
            "TXPUSH_PARTNER_SECRETS": "sandbox-secret-1",
        }
        return self._worker(f"executor-{number}", ("-m", "streams.cli", "executor"), own | self._links())

    def _links(self) -> dict[str, str]:
        return {} if self.link_url is None else {"TXPUSH_LINK_URL": self.link_url, "TXPUSH_LINK_KEYS": LINK_KEY}

    def _worker(self, name: str, command: tuple[str, ...], own: Mapping[str, str], application: str = "") -> Worker:
        environment = {
            bridge.BOOTSTRAP: self.bootstrap,
            "TXPUSH_PARTITIONS": str(PARTITIONS),
            "TXPUSH_REPLICATION": str(min(3, self.profile.brokers)),
            "TXPUSH_SESSION_SECONDS": str(self.session_seconds),
            "TXPUSH_POLICY_FILE": str(self.folder / "policy.toml"),
            "TXPUSH_CLOCK": str(self.clocks.file_of(name)),
            **own,
        }
        if self.local_state and application:
            environment["TXPUSH_STATE_DIR"] = str(self.folder / f"{name}.state")
        return Worker(name, command, environment, self.folder, application)
