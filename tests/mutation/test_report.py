"""What a run of mutation tests says of its sample."""

from tests.mutation.mutants import Mutant, change, chosen
from tests.mutation.report import report

OF_A_FUNCTION = Mutant("streams.domain.around.x__covers__mutmut_2", "- a + b", 0)
OF_A_METHOD = Mutant("streams.domain.customers.turn.xǁTurnǁby__mutmut_1", "- a + b", 1)


def test_names() -> None:
    """A mutant is known by module, function and change, not by its number."""
    assert (OF_A_FUNCTION.module, OF_A_METHOD.module) == ("around", "customers.turn")
    assert OF_A_FUNCTION.key == "streams.domain.around._covers: - a + b"
    assert OF_A_METHOD.key == "streams.domain.customers.turn.Turn.by: - a + b"


def test_change() -> None:
    """Of a diff the changed lines are kept, without what surrounds them."""
    assert change("--- x\n+++ x\n@@ -1 +1 @@\n def f():\n-    return 1\n+    return 2") == "- return 1 + return 2"


def test_sample() -> None:
    """A sample is the same every time, another with another seed, and no larger than what there is."""
    names = [f"streams.domain.around.x_f__mutmut_{number}" for number in range(100)]
    assert chosen(names, 5, 1) == chosen(names, 5, 1) != chosen(names, 5, 2)
    assert chosen(names, None, 1) == chosen(names, 200, 1) == names


def test_modules_weigh_by_their_mutants() -> None:
    """Half of a sample and all of a whole module: each counts as much as it has mutants, the whole without error."""
    around = [Mutant(f"streams.domain.around.x_f__mutmut_{number}", "", number % 2) for number in range(4)]
    lines, _ = report([*around, OF_A_METHOD], {"around": 13, "customers.turn": 1}, {})
    assert [line.split()[1:] for line in lines[:3]] == [
        ["4", "of", "13", "50.0%", "±", "21.7%"],
        ["1", "of", "1", "100.0%", "±", "0.0%"],
        ["5", "of", "14", "53.6%", "±", "20.1%"],
    ]


def test_enough() -> None:
    """Nine in ten and a reason for every survivor are enough, nothing less; a reason for a killed one is told."""
    mutants = [OF_A_FUNCTION, *[OF_A_METHOD] * 9]
    sizes = {"around": 1, "customers.turn": 9}
    assert report(mutants, sizes, {OF_A_FUNCTION.key: "why"})[1]
    assert not report(mutants, sizes, {})[1]
    assert not report(mutants[:-1], {"around": 1, "customers.turn": 8}, {OF_A_FUNCTION.key: "why"})[1]
    assert report(mutants[1:2], sizes, {OF_A_METHOD.key: "why"})[0][-1].startswith("listed as a survivor, but killed")
