"""What a replay came to as a whole: put together from its partitions, with what only all of them can tell."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from schemas.policy import Policy
from streams.domain import ENGINE_VERSION
from streams.exits import EXIT_NOTHING, EXIT_OK, EXIT_OTHERWISE
from streams.kafka.topics import EVENTS, SIGNALS
from streams.operate.differences import differences
from streams.replay.compare.difference import Cause, Counts, Difference, Verdict
from streams.replay.otherwise.commands import WhatIf
from streams.replay.task import Outcome

INCIDENTS = "incident"
"""What a comparison of announced incidents is counted as."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of all partitions.

    Attributes:
        outcomes: of the partitions, in order.
        counts: how many of what compare how.
        incidents: differences between the incidents that one log leads to and the other has.
        engines: recorded decisions by the engine version that made them.
        what_if: what another policy comes to; None under the recorded ones.
        policy: that policy.
    """

    outcomes: Sequence[Outcome]
    counts: Counts
    incidents: Sequence[Difference]
    engines: Counter[str]
    what_if: WhatIf | None = None
    policy: Policy | None = None

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], *, is_all: bool, policy: Policy | None = None) -> "Summary":
        """Put it together; incidents are compared where both logs were replayed whole, under the recorded policies."""
        counts: Counts = Counter()
        engines: Counter[str] = Counter()
        for outcome in outcomes:
            counts += outcome.counts
            engines += outcome.engines
        incidents: list[Difference] = []
        if is_all and policy is None and not any(outcome.error or outcome.of_some for outcome in outcomes):
            for verdict, difference in _incidents(outcomes):
                counts[INCIDENTS, verdict] += 1
                incidents += [] if difference is None else [difference]
        what_if = None if policy is None else WhatIf()
        for outcome in outcomes:
            if what_if is not None and outcome.what_if is not None:
                what_if.add(outcome.what_if)
        return cls(outcomes, counts, incidents, engines, what_if, policy)

    @property
    def policy_changes(self) -> Sequence[str]:
        """What the other policy says otherwise than the recorded one in whose place it came, a line each."""
        recorded = next((one.recorded_policy for one in self.outcomes if one.recorded_policy is not None), None)
        return [] if recorded is None or self.policy is None else differences(recorded, self.policy)

    @property
    def version_is_taken(self) -> bool:
        """Whether the policy in whose place the other one came has its version, and other contents."""
        recorded = [one.recorded_policy for one in self.outcomes if one.recorded_policy is not None]
        other = self.policy
        return other is not None and any(
            one.version == other.version and one.sha256 != other.sha256 for one in recorded
        )

    @property
    def differences(self) -> int:
        """How many differences there are."""
        return sum(outcome.differences for outcome in self.outcomes) + len(self.incidents)

    @property
    def failed(self) -> Sequence[Outcome]:
        """What could not be replayed."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    @property
    def other_engines(self) -> Mapping[str, int]:
        """Recorded decisions that another engine version has made, by that."""
        return {version: count for version, count in sorted(self.engines.items()) if version != ENGINE_VERSION}

    @property
    def events(self) -> int:
        """How many records were folded."""
        return sum(outcome.events for outcome in self.outcomes)

    @property
    def undecided(self) -> int:
        """How many derived decisions may still be to come."""
        return sum(outcome.undecided for outcome in self.outcomes)

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to compare, on either side."""
        return not self.counts and not self.undecided

    @property
    def exit_code(self) -> int:
        """0 where all is the same, 1 where something differs, 2 where not all could be replayed, or nothing was."""
        if self.failed or self.is_empty:
            return EXIT_NOTHING
        return EXIT_OTHERWISE if self.differences else EXIT_OK


def _incidents(outcomes: Sequence[Outcome]) -> Iterator[tuple[Verdict, Difference | None]]:
    """Hold what the institutions' log leads to against what each partition of the inbound log has of it."""
    announced = {name: told for one in outcomes if one.place.topic == SIGNALS for name, told in one.announced.items()}
    for outcome in outcomes:
        if outcome.place.topic != EVENTS:
            continue
        heard, place = outcome.heard, str(outcome.place)
        for name in sorted(announced.keys() | heard.keys()):
            if announced.get(name) == heard.get(name):
                yield Verdict.SAME, None
            elif name not in heard:
                yield Verdict.NEW, _difference(Verdict.NEW, Cause.NO_MESSAGE, place, name)
            elif name not in announced:
                yield Verdict.DROPPED, _difference(Verdict.DROPPED, Cause.FORGED, place, name)
            else:
                yield Verdict.CHANGED, _difference(Verdict.CHANGED, Cause.BYTES, place, name)


def _difference(verdict: Verdict, cause: Cause, place: str, name: str) -> Difference:
    return Difference(verdict, cause, place, None, INCIDENTS, name, None)
