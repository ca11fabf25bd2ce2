"""Each run reads its own logs only, and is of the size that was asked for."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.faults.plan import Kind
from tests.chaos.faults.profiles import EVERYTHING
from tests.chaos.options import Options, work_folder
from tests.chaos.run import of_seed


def test_several_seeds_keep_their_logs_apart(tmp_path: Path) -> None:
    """Or the openings of the first would be the second's."""
    options = Options(keep=tmp_path)
    assert of_seed(options, 3, of=2) == replace(options, seed=3, keep=tmp_path / "seed-3")
    assert of_seed(options, 3, of=1) == replace(options, seed=3)
    assert of_seed(Options(), 3, of=2) == Options(seed=3)


def test_logs_of_another_run_are_not_read(tmp_path: Path) -> None:
    """A folder that is kept is an empty one at first."""
    with work_folder(tmp_path / "new") as folder:
        (folder / "agent-0.log").touch()
    with pytest.raises(FileExistsError, match="is not empty: name another folder"), work_folder(tmp_path / "new"):
        pass


def test_a_profile_in_another_size() -> None:
    """What is not said stays; leaders are not moved where there is one broker to have them."""
    sized = EVERYTHING.sized(agents=4, brokers=1)
    assert (sized.agents, sized.bridges, sized.brokers) == (4, EVERYTHING.bridges, 1)
    assert {kind for kind, _ in EVERYTHING.counts} - {kind for kind, _ in sized.counts} == {Kind.LEADERS}
    assert EVERYTHING.sized(bridges=3) == replace(EVERYTHING, bridges=3)
