"""The log of a process: one line an entry, with its time, level and place."""

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
TALKATIVE = ("aiokafka", "faust", "mode")
"""Libraries that tell of every step of their own at INFO, and make a record a message below it."""
INHERITED = logging.getLogger("faust.inherited")
"""What Faust's classes say through ours, as their `logger`: mode would have it said by the modules of ours."""


def log_to_stderr() -> None:
    """Have a service write its log to stderr, from INFO on; of what it is built on warnings and errors only."""
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
