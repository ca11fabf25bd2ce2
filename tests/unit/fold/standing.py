"""How many records stand where, as the metrics would show it."""

from tests.unit.fold.build import PARTITION, World


def standing(world: World, census: str, *labels: str) -> int:
    """Count what stands somewhere, once all is counted; `census` is the name of the metric without `txpush_agent_`."""
    while not world.fold.prepare(PARTITION):
        pass
    return world.fold.standing(f"txpush_agent_{census}", *labels)
