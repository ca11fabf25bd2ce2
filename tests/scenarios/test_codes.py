"""The 26 codes of the vendor page: each has a scenario, and a catalogue that treats it wrongly fails that scenario."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.catalogue import Catalogue, Entry, Kind, Step, Treatment
from tests.scenarios.compare import differences
from tests.scenarios.notation.files import read_scenarios
from tests.scenarios.notation.model import Scenario
from tests.scenarios.script import CATALOGUE

FIXABLE = {103, 108, 109, 185, 187, 945, 946, 947, 948}
OTHERS = {169, 949}
SUPPORT = {147, 148, 173, 176, 181, 190, 324, 900, 901, 903, 904, 906, 907, 940, 950}
SCENARIOS = {int(one.title.partition(",")[0]): one for one in read_scenarios(Path(__file__).parent / "codes.txt")}

WRONG: tuple[tuple[Treatment, Kind | None, tuple[Step, ...]], ...] = (
    (Treatment.CUSTOMER, Kind.CONNECT_FIX, (Step.ANSWER_CHALLENGE,)),
    (Treatment.CUSTOMER, Kind.CONNECT_FIX, (Step.ENTER_CREDENTIALS,)),
    (Treatment.CUSTOMER, Kind.RELINK, (Step.DELETE_ACCOUNT, Step.ADD_ACCOUNT)),
    (Treatment.CUSTOMER, Kind.REMOVE_DUPLICATE, (Step.KEEP_ONE_DELETE_REST,)),
    (Treatment.SUPPORT, Kind.SUPPORT_TICKET, (Step.SUBMIT_CASE,)),
    (Treatment.INSTITUTION, None, ()),
    (Treatment.UNKNOWN, None, ()),
    (Treatment.HEALTHY, None, ()),
)
"""Treatments, kinds and steps that a code may wrongly be given."""

by_code = pytest.mark.parametrize(("code", "scenario"), SCENARIOS.items(), ids=map(str, SCENARIOS))


def test_every_code_of_the_page_has_its_scenario() -> None:
    """The 26 codes that stop the nightly batch, each once."""
    assert len(FIXABLE | OTHERS | SUPPORT) == 26
    assert list(SCENARIOS) == sorted(FIXABLE | OTHERS) + sorted(SUPPORT)


@by_code
def test_code(code: int, scenario: Scenario) -> None:
    """A code brings the kind and the steps of R2, and no other message."""
    assert CATALOGUE.entry(code).stops_batch
    if difference := differences(scenario):
        pytest.fail(difference, pytrace=False)


@by_code
def test_wrong_treatment_is_caught(code: int, scenario: Scenario) -> None:
    """Whatever else the catalogue says of the code, another kind, none, or other steps, its scenario fails."""
    missed = [entry for entry in _wrong_entries(CATALOGUE.entry(code)) if not differences(scenario, _with(entry))]
    assert missed == []


def _wrong_entries(right: Entry) -> Iterator[Entry]:
    for treatment, kind, steps in WRONG:
        if (kind, steps) != (right.kind, right.steps) or kind is None:
            rank = 1 if treatment is Treatment.CUSTOMER else None
            changes = {"treatment": treatment, "kind": kind, "steps": steps, "rank": rank}
            yield right.model_copy(update=changes)


def _with(wrong: Entry) -> Catalogue:
    """Give the catalogue with one entry changed, past its own checks, which would refuse some of them."""
    entries = tuple(wrong if one.code == wrong.code else one for one in CATALOGUE.entries)
    return CATALOGUE.model_copy(update={"entries": entries})
