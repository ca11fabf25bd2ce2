"""Prints the summary of a simulated year: `python -m tests.bench.year [--customers N] [--days N] [--seed N]`."""

import argparse
from time import perf_counter, process_time

from tests.bench.year.play import Year
from tests.bench.year.progress import progress


def main() -> None:
    """Play the year and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    began = perf_counter()
    year = Year(asked.customers, asked.seed)
    with progress(asked.days) as day_over:
        tally = year.play(asked.days, day_over)
    lines = [
        *tally.lines(year.logins, asked.days),
        ("took, of CPU", f"{perf_counter() - began:.0f} s, {process_time():.0f} s"),
    ]
    width = max(len(name) for name, _ in lines)
    for name, value in lines:
        print(f"{name:<{width}}  {value}")  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
