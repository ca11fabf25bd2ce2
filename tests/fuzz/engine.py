"""Fuzzes one decoder with Atheris, guided by what our own code covers: a process of its own, as libFuzzer ends it."""

import atexit
import json
import re
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["schemas", "streams"]):
    from tests.fuzz.decoders import DECODERS, Decoder
from tests.fuzz.decoder import TOKENS
from tests.fuzz.judge import Judge

MAX_BYTES = 20_000
ONE_INPUT_SECONDS = 20
MEGABYTES = 2048
TELL_SECONDS = 1.0
MAX_WORDS, MAX_WORD = 500, 60


class Told:
    """A judge whose counts are in a file while it works: libFuzzer leaves no time for more at the end."""

    def __init__(self, judge: Judge, file: Path) -> None:
        self._judge = judge
        self._file = file
        self._next = 0.0

    def __call__(self, data: bytes) -> None:
        """Run one input."""
        self._judge(data)
        if time.monotonic() >= self._next:
            self.tell()
            self._next = time.monotonic() + TELL_SECONDS

    def tell(self) -> None:
        """Write the counts."""
        counts = {
            "executions": self._judge.executions,
            "outcomes": self._judge.outcomes,
            "failures": self._judge.failures,
        }
        self._file.write_text(json.dumps(counts))


def dictionary(decoder: Decoder) -> str:
    """Give the words of the seeds, and what breaks readers, as libFuzzer reads them."""
    words = dict.fromkeys(word for seed in decoder.seeds() for word in re.findall(rb"[A-Za-z_]{3,40}", seed))
    tokens = (*list(words)[:MAX_WORDS], *(token for token in TOKENS if len(token) <= MAX_WORD))
    return "".join(f'"{_escaped(token)}"\n' for token in tokens)


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def main(name: str, seconds: str, folder: Path) -> None:
    """Fuzz a decoder for so long; the corpus in the folder is read, and grows."""
    decoder = DECODERS[name]
    corpus, failures = folder / "corpus" / name, folder / "failures"
    for place in (corpus, failures):
        place.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(decoder.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = folder / f"{name}.dict"
    words.write_text(dictionary(decoder))
    told = Told(Judge(decoder, failures), folder / f"{name}.json")
    atexit.register(told.tell)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={ONE_INPUT_SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-artifact_prefix={failures}/{name}-",
        f"-dict={words}",
        "-verbosity=0",
    ]
    atheris.Setup([name, *options, str(corpus)], told)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
