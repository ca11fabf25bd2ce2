"""What somebody should look at though a worker works: `/readyz` says it beside its answer, which it does not change."""

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from streams.fold.inforce import InForce

LATE_SECONDS = 60.0
"""Records that have waited for so long are more than what is under way."""
AHEAD_SECONDS = 5.0
"""A record from so far in the future of this machine tells of a wrong clock."""


class Notes:
    """The notes of one worker; each names what is wrong and what to do, and says so of all its partitions at once.

    Args:
        shipped: the rules that the settings name.
        names_policy: whether they name a policy of their own.
    """

    def __init__(self, shipped: InForce, *, names_policy: bool) -> None:
        self._shipped = shipped
        self._names_policy = names_policy
        self._in_force: Callable[[], Mapping[int, InForce]] = dict
        self._unkept: Mapping[int, str] = {}
        self._behind: dict[int, tuple[int, float]] = {}

    def watch(self, in_force: Callable[[], Mapping[int, InForce]], unkept: Mapping[int, str]) -> None:
        """Take what gives the rules of each open partition, and why partitions are not kept on this machine's disk."""
        self._in_force, self._unkept = in_force, unkept

    def lag(self, partition: int, messages: int, seconds: float) -> None:
        """Hear how far behind a partition is, in records and in seconds, which are negative where they are ahead."""
        self._behind[partition] = (messages, seconds)

    def closed(self, partition: int) -> None:
        """Hear that a partition is given up."""
        self._behind.pop(partition, None)

    def lines(self) -> list[str]:
        """Give the notes."""
        return [*self._late(), *self._ahead(), *self._without_state(), *self._other_rules()]

    def _late(self) -> Iterable[str]:
        late = {number: lag for number, lag in self._behind.items() if lag[0] and lag[1] > LATE_SECONDS}
        if late:
            messages, seconds = sum(lag[0] for lag in late.values()), max(lag[1] for lag in late.values())
            yield (
                f"{_named(late)} behind by {messages:,} records and {seconds:,.0f} s; wait, or start another worker "
                "where there are cores"
            )

    def _ahead(self) -> Iterable[str]:
        ahead = -min((lag[1] for lag in self._behind.values()), default=0.0)
        if ahead > AHEAD_SECONDS:
            yield (
                f"records come {ahead:,.0f} s from the future of this machine's clock; have its time synchronised, and "
                "that of who wrote them"
            )

    def _without_state(self) -> Iterable[str]:
        unkept = sorted(self._unkept.items(), key=lambda one: (one[1], one[0]))
        for why, some in groupby(unkept, key=lambda one: one[1]):
            numbers = [number for number, _ in some]
            yield (
                f"{_named(numbers)} not kept on disk: {why}; a restart would read the changelogs whole; mend "
                "TXPUSH_STATE_DIR, or unset it"
            )

    def _other_rules(self) -> Iterable[str]:
        others = {
            number: rules.rules.policy.version
            for number, rules in self._in_force().items()
            if rules.policy_sha256 != self._shipped.policy_sha256
        }
        if self._names_policy and others:
            versions = ", ".join(sorted(set(others.values())))
            yield (
                f"{_named(others)} decided on by policy {versions}, and TXPUSH_POLICY_FILE has "
                f"{self._shipped.rules.policy.version}; run `txpush policy activate FILE` with it, or unset it"
            )


def _named(numbers: Iterable[int]) -> str:
    found = sorted(numbers)
    return f"partition {found[0]} is" if len(found) == 1 else f"partitions {', '.join(map(str, found))} are"
