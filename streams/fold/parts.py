"""What the partitions of one worker share."""

from dataclasses import dataclass

from streams.fold.effects import Fold
from streams.fold.metrics import FoldMetrics
from streams.fold.settings import FoldSettings
from streams.fold.ticks import Ticks


@dataclass(frozen=True, slots=True)
class FoldParts:
    """The application's fold and what serves it."""

    settings: FoldSettings
    fold: Fold
    ticks: Ticks
    metrics: FoldMetrics
