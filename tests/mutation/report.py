"""What a run says: the share killed in each module with its standard error, and the survivors nobody has explained."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt

from tests.mutation.mutants import Mutant

WANTED = 0.9
"""The share of the core's mutants that the tests have to kill."""


Modules = Mapping[str, Sequence[Mutant]]


def report(mutants: Iterable[Mutant], sizes: Mapping[str, int], reasons: Mapping[str, str]) -> tuple[list[str], bool]:
    """Give the lines to show, and whether enough was killed and every survivor has a reason."""
    by_module: dict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_module[mutant.module].append(mutant)
    share, error = _overall(by_module, sizes)
    tried = [mutant for module in sorted(by_module) for mutant in by_module[module]]
    survivors = [mutant for mutant in tried if not mutant.is_killed]
    unexplained = [mutant for mutant in survivors if mutant.key not in reasons]
    rows = [_row(module, by_module[module], sizes[module]) for module in sorted(by_module)]
    rows += [_line("streams.domain", len(tried), sum(sizes.values()), share, error)]
    rows += [f"{len(survivors)} survived, {len(unexplained)} of them without a reason"]
    rows += [f"{mutant.name}\n  {mutant.key}" for mutant in unexplained]
    rows += [f"listed as a survivor, but killed: {one.key}" for one in tried if one.is_killed and one.key in reasons]
    return rows, share >= WANTED and not unexplained


def _row(module: str, mutants: Sequence[Mutant], size: int) -> str:
    return _line(module, len(mutants), size, *_share(mutants, size))


def _line(name: str, count: int, size: int, share: float, error: float) -> str:
    return f"{name:<28} {count:>5} of {size:>5}  {share:6.1%} ± {error:.1%}"


def _overall(by_module: Modules, sizes: Mapping[str, int]) -> tuple[float, float]:
    """Give the share killed over a sample drawn module by module; each weighs as much as it has mutants."""
    total = sum(sizes[module] for module in by_module)
    weighted = [(sizes[module] / total, *_share(some, sizes[module])) for module, some in by_module.items()]
    share = sum(weight * killed for weight, killed, _ in weighted)
    return share, sqrt(sum((weight * error) ** 2 for weight, _, error in weighted))


def _share(mutants: Sequence[Mutant], size: int) -> tuple[float, float]:
    """Give the share killed of a sample without replacement; one that is whole has no error."""
    count = len(mutants)
    share = sum(mutant.is_killed for mutant in mutants) / count
    left_out = (size - count) / max(size - 1, 1)
    return share, sqrt(share * (1 - share) / count * left_out)
