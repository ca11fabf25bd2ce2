"""Draws the screens of the stories anew: `python -m tests.unit.explain.draw`, then read what has changed."""

from collections.abc import Callable, Mapping
from pathlib import Path

from streams.testing import Topology
from tests.unit.explain import stories

FOLDER = Path(__file__).parent / "screens"
STORIES: Mapping[str, Callable[[], Topology]] = {
    one.__name__: one
    for one in (
        stories.two_mails,
        stories.passcodes,
        stories.incident_defers,
        stories.silence,
        stories.baseline,
        stories.weak_fix,
        stories.forgotten,
        stories.dead_letter,
    )
}


def drawn(name: str) -> str:
    """Give the screen of a story, 80 columns wide."""
    return "\n".join([*stories.screen(stories.told(STORIES[name]())), ""])


if __name__ == "__main__":
    for name in STORIES:
        (FOLDER / f"{name}.txt").write_text(drawn(name))
