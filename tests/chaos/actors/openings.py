"""Runs a module as it ships, but for its log, which tells of each partition that is opened: `... openings MODULE`."""

import logging
import runpy
import sys

if __name__ == "__main__":
    for name in ("streams.transport.partition", "streams.transport.state.opening"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
