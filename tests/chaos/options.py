"""What a run is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.actors.disk import may_mount
from tests.chaos.actors.fleet import AGENT_MODULE
from tests.chaos.faults.plan import Kind, Plan
from tests.chaos.faults.profiles import WORKERS, Profile

START_SECONDS = 90.0
READ_PER_SECOND = 10_000
"""Accounts whose state is read in a second at least, with everything else going on."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to run; `session_seconds` is the silence after which the group gives a worker's partitions away.

    Attributes:
        per_second: notifications a second; None to spread them over the disturbances.
        every_seconds: a disturbance each so many seconds; None for one when the last one's victim is at work again.
        span: the vendor's time that passes; below the week for which look-ups are kept, where they are accounted for.
        customers: those made up; None for a twelfth of the notifications.
        accounts: so many more are in the state from the beginning, of whom nothing is heard.
        local_state: have each worker keep its state on disk.
        is_replayed: have the log replayed and audited at the end, by the commands.
        keep: folder for the logs of all processes, which stays; if the run fails, with the files of the brokers.
    """

    profile: Profile = WORKERS
    seed: int = 7
    agent_module: str = AGENT_MODULE
    session_seconds: float = 6.0
    sleep_seconds: float = 7.0
    outage_seconds: float = 60.0
    per_second: float | None = None
    every_seconds: float | None = None
    span: timedelta = timedelta(days=6)
    customers: int | None = None
    accounts: int = 0
    local_state: bool = False
    is_replayed: bool = True
    keep: Path | None = None

    @property
    def start_seconds(self) -> float:
        """How long a worker may take to be at work; in an outage it waits a minute for a broker, and starts anew."""
        return START_SECONDS + self.accounts / READ_PER_SECOND

    @property
    def plan(self) -> Plan:
        """Give what the schedule is drawn from."""
        counts = self.profile.counts
        return Plan(self.seed, counts, self.sleep_seconds, self.outage_seconds, every_seconds=self.every_seconds)

    def possible(self) -> "Options":
        """Leave out what this machine does not allow: without the right to mount no disk can be filled."""
        if not self.profile.small_disks or may_mount():
            return self
        return replace(self, profile=replace(self.profile.without(Kind.DISK), small_disks=0))


@contextmanager
def work_folder(keep: Path | None) -> Iterator[Path]:
    """Give the folder for logs; it goes away unless it was named.

    Raises:
        FileExistsError: there is something in it: logs of another run would be read as those of this one.
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise FileExistsError(f"{keep} is not empty: name another folder")
        yield keep.resolve()
        return
    with TemporaryDirectory(prefix="txpush-chaos-") as made:
        yield Path(made)
