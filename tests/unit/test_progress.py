"""How long a run may still take: said once it is more than a guess."""

from dataclasses import dataclass

from rich.progress import Progress

from streams.progress import EARLY_SECONDS, TimeLeft


@dataclass
class Watch:
    """Tells the seconds that have passed."""

    seconds: float = 0.0

    def now(self) -> float:
        return self.seconds


def test_the_time_left_is_open_until_it_is_known() -> None:
    """A run that begins slowly would take a hundred times as long as it does; one that is over has nothing left."""
    watch = Watch()
    progress = Progress(get_time=watch.now, disable=True)
    number, column = progress.add_task("records", total=2000), TimeLeft()
    progress.tasks[number].start_time = 0.0

    def left(*, at: float, done: int) -> str:
        watch.seconds, column._renderable_cache = at, {}
        progress.update(number, completed=done)
        return str(column(progress.tasks[number]))

    assert left(at=1.0, done=100) == "-:--:--"
    assert left(at=EARLY_SECONDS - 1.0, done=400) == "-:--:--"
    assert left(at=EARLY_SECONDS + 5.0, done=1000) == "0:00:10"
    assert left(at=20.0, done=2000) == "0:00:00"
