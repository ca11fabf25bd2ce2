"""The log of a process: one line an entry, with its time, level and place."""

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def log_to_stderr() -> None:
    """Have a service write its log to stderr, from INFO on."""
    logging.basicConfig(level=logging.INFO, format=FORMAT)
