"""A few seconds of fuzzing on every change, without the engine: seeds, and seeds that were changed a little."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.decoder import TOKENS
from tests.fuzz.decoders import DECODERS, Decoder
from tests.fuzz.judge import Judge

EXAMPLES = 100


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """Take a seed and change it in a few places."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.sampled_from((0, 1, 2, 9, 70)))] = draw(st.sampled_from(TOKENS) | st.binary(max_size=6))
    return bytes(data)


@pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS.keys())
def test_seeds_reach_everything(decoder: Decoder, tmp_path: Path) -> None:
    """Every seed comes to an outcome that is declared, and the good ones to what they are."""
    judge = Judge(decoder, tmp_path)
    for seed in decoder.seeds():
        judge(seed)
    assert judge.failures == {}
    assert decoder.accepted - {*judge.outcomes} == set()


@pytest.mark.parametrize("decoder", DECODERS.values(), ids=DECODERS.keys())
def test_only_declared_errors_come_out(decoder: Decoder, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a seed is changed into."""
    judge = Judge(decoder, tmp_path_factory.mktemp(decoder.name))

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(changed(list(decoder.seeds())))
    def fuzz(data: bytes) -> None:
        judge(data)
        assert judge.failures == {}, data

    fuzz()


def test_a_planted_bug_is_found(tmp_path: Path) -> None:
    """An error that is not declared is kept with its input, once for each place; others are counted."""

    def run(data: bytes) -> str:
        if data.startswith(b"bad"):
            raise RecursionError(data)
        return "good"

    judge = Judge(Decoder("planted", run, lambda: [b""], frozenset({"good"})), tmp_path)
    for data in (b"a", b"bad", b"bad again", b"b"):
        judge(data)
    assert (judge.executions, judge.outcomes) == (4, {"good": 2})
    ((what, file),) = judge.failures.items()
    assert what.startswith("RecursionError at test_fuzz.py:")
    assert Path(file).read_bytes() == b"bad"


def test_what_is_slow_is_found(tmp_path: Path) -> None:
    """An input that keeps the processor busy is a finding."""

    def run(data: bytes) -> str:
        sum(range(1_000_000 * len(data)))
        return "good"

    judge = Judge(Decoder("planted", run, lambda: [b""], frozenset({"good"})), tmp_path, slow_seconds=0.05)
    judge(b"")
    assert judge.failures == {}
    judge(b"a" * 20)
    assert [*judge.failures] == ["slower than 0.05 s"]
