"""The shipped catalogue against the vendor's facts, and what a broken one says."""

import hashlib
import json
import re
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.catalogue import UNLISTED, Catalogue, CatalogueError, Entry, Fault, Kind, Remedy, Step, Treatment

SHARED = Path(__file__).parents[4] / "shared"

FIX_LIST = {103, 108, 109, 185, 187, 945, 946, 947, 948}
SUPPORT = {147, 148, 173, 176, 181, 190, 324, 900, 901, 903, 904, 906, 907, 940, 950}
PAGE: dict[int, tuple[str, list[str]]] = {
    103: ("connect-fix", ["enter_credentials"]),
    108: ("connect-fix", ["resolve_prompt_at_bank", "connect_fix"]),
    109: ("connect-fix", ["set_new_password_at_bank", "enter_credentials"]),
    169: ("remove-duplicate", ["keep_one_delete_rest"]),
    185: ("connect-fix", ["answer_challenge"]),
    187: ("connect-fix", ["answer_challenge"]),
    945: ("connect-fix", ["reauthenticate_oauth"]),
    946: ("connect-fix", ["authenticate_right_account"]),
    947: ("connect-fix", ["renew_token"]),
    948: ("connect-fix", ["reauthenticate_oauth"]),
    949: ("relink", ["delete_account", "add_account"]),
    **dict.fromkeys(SUPPORT, ("support-ticket", ["submit_case"])),
}
WITHOUT_FIX: dict[int, tuple[str, list[str]]] = {
    **dict.fromkeys([945, 946, 948], ("relink", ["delete_account", "add_account"])),
    **dict.fromkeys([103, 108, 109, 185, 187, 947], ("connect-fix", ["reconnect_in_data_connect"])),
}
INSTITUTION = {
    *(101, 102, 104, 105, 124, 171, 179, 194, 197, 307, 325, 417, 418, 419, 500, 525, 902, 905, 908, 909, 910, 911),
    *(915, 916, 977, 1408, 11000),
}
KNOWN_BY_NAME = {
    *(106, 107, 120, 123, 125, 127, 128, 130, 131, 136, 146, 155, 180, 204, 323, 331, 403, 913, 914, 936, 938, 952),
    *(955, 959, 960, 961, 971, 972, 973, 974, 975, 976, 978, 981, 1000, 1001, 1002, 1004, 1005, 1009, 1010, 1011),
    *(1012, 1415, 2005, 2024, 2032, 3003, 4034, 5006, 10000, 10001, 10005, 10010, 10030, 10814, 12001, 12003, 12008),
    *(12009, 14020, 14023, 14030, 19000, 20002, 20007, 20009, 20014, 20024, 38003, 38006, 38007, 38053, 50024, 50025),
    *range(920, 930),
    *range(990, 999),
}
CAUSES = {
    103: ("bad_credentials", "customer"),
    108: ("prompt_at_bank", "customer"),
    109: ("password_expired", "customer"),
    169: ("duplicate_account", "customer"),
    185: ("challenge", "customer"),
    187: ("wrong_challenge_answer", "customer"),
    931: ("otp_every_connection", "institution"),
    945: ("oauth_not_consented", "institution"),
    946: ("account_not_found", "customer"),
    947: ("token_expired", "customer"),
    948: ("oauth_not_authenticated", "institution"),
    949: ("unrecoverable", "customer"),
}
RULE_KINDS = [Kind.CONSENT_RENEWAL, Kind.OTP_ESCALATION, Kind.SUPPORT_TICKET]
RANKS = [[949], [109], [103], [108], [945, 948], [947], [187], [185], [946], [169]]

CATALOGUE = Catalogue.load()
LISTED: dict[int, Entry] = {entry.code: entry for entry in CATALOGUE.entries if entry.code is not None}


def codes_where(holds: Callable[[Entry], bool]) -> set[int]:
    return {code for code, entry in LISTED.items() if holds(entry)}


def treated_as(treatment: Treatment) -> set[int]:
    return codes_where(lambda entry: entry.treatment is treatment)


def shared_text(name: str) -> str:
    if not (SHARED / name).is_file():
        pytest.skip(f"{name} is not beside this checkout: only the literal tables of this file are checked")
    return (SHARED / name).read_text("utf-8")


def numbers(text: str) -> set[int]:
    spans = re.findall(r"\b(\d+)(?:-(\d+))?", text)
    return {code for first, last in spans for code in range(int(first), int(last or first) + 1)}


@pytest.mark.parametrize("code", PAGE)
def test_page_code(code: int) -> None:
    """Each of the vendor page's 26 codes stops the batch and has the page's remedy, with a link where Fix applies."""
    kind, steps = PAGE[code]
    linked = kind == "connect-fix"
    assert LISTED[code].stops_batch
    assert CATALOGUE.remedy(code, fix_integrated=True) == remedy(kind, steps, fix_url=linked)


@pytest.mark.parametrize("code", PAGE)
def test_page_code_without_fix(code: int) -> None:
    """Without Data Connect Fix 945, 946, 948 are linked anew, the other fixable codes reconnect; none has a link."""
    kind, steps = WITHOUT_FIX.get(code, PAGE[code])
    assert CATALOGUE.remedy(code, fix_integrated=False) == remedy(kind, steps, fix_url=False)


def remedy(kind: str, steps: list[str], *, fix_url: bool) -> Remedy:
    return Remedy(kind=Kind(kind), steps=tuple(Step(step) for step in steps), fix_url=fix_url)


def test_lists_of_the_page() -> None:
    """26 codes stop the batch, no other is said to; Fix applies to the nine codes of the page's list."""
    assert len(PAGE) == 26
    assert codes_where(lambda entry: entry.stops_batch) == set(PAGE)
    assert codes_where(lambda entry: entry.fix_applies) == FIX_LIST


def test_tables_match_the_vendor_page() -> None:
    """The literal tables of this file are the vendor page's, read from the page itself where it is at hand."""
    page = shared_text("reference/aggregation-status-codes.txt")
    rows = [line.split("|")[1:4] for line in page.splitlines() if re.match(r"\|\s*\d", line)]
    fix_list = re.findall(r"\[(\d{3})\]", page[page.index("can normally be resolved") : page.index("<br />")])
    support = [numbers(codes) for codes, _, action in rows if "support ticket" in action]
    assert set().union(*(numbers(codes) for codes, _, _ in rows)) == set(PAGE)
    assert {int(code) for code in fix_list} == FIX_LIST
    assert support == [SUPPORT]
    assert all("Data Connect" in action for codes, _, action in rows if numbers(codes) & (FIX_LIST - {108}))


def test_treatments() -> None:
    """Every code is treated as R2 says, and nothing else is listed."""
    assert treated_as(Treatment.HEALTHY) == {0}
    assert treated_as(Treatment.CUSTOMER) == set(PAGE) - SUPPORT
    assert treated_as(Treatment.SUPPORT) == SUPPORT
    assert treated_as(Treatment.INSTITUTION) == INSTITUTION
    assert treated_as(Treatment.OTP) == {931}
    assert treated_as(Treatment.UNKNOWN) == KNOWN_BY_NAME


def test_every_code_of_the_domain_notes() -> None:
    """Every code of the domain notes is known by name, with their word on batch and Fix, where they are at hand."""
    notes = shared_text("domain.md")
    table = notes[notes.index("### 6.2") : notes.index("### 6.3")]
    rows = [line.split("|")[1:-1] for line in table.splitlines() if re.match(r"\| \d", line)]
    told = {code: (row[3].strip("* "), row[4].strip("* ")) for row in rows for code in numbers(row[0])}
    assert set(told) == set(LISTED)
    assert {code for code, (batch, _) in told.items() if batch == "yes"} == set(PAGE)
    assert {code for code, (_, fix) in told.items() if re.match(r"yes\b(?!-)", fix)} == FIX_LIST


def test_ranks() -> None:
    """Reasons are ordered as in R3; 945 and 948 are equal."""
    ranked = sorted((entry.rank, code) for code, entry in LISTED.items() if entry.rank is not None)
    groups = [[code for _, code in group] for _, group in groupby(ranked, key=lambda pair: pair[0])]
    assert groups[::-1] == RANKS


@pytest.mark.parametrize("code", CAUSES)
def test_cause(code: int) -> None:
    """Readers of commands may branch on the cause of a code that a customer hears of."""
    entry = CATALOGUE.entry(code)
    assert (entry.cause, entry.fault) == CAUSES[code]


def test_customer_is_not_blamed_for_others() -> None:
    """No support code and no trouble of an institution is put down to the customer."""
    assert codes_where(lambda entry: entry.fault is Fault.CUSTOMER) & (SUPPORT | INSTITUTION) == set()
    assert codes_where(lambda entry: entry.fault is None) & (set(PAGE) | INSTITUTION) == set()


def test_challenge_reads_as_in_the_contract() -> None:
    """The reason of a 185 is word for word that of the contract's example."""
    entry = CATALOGUE.entry(185)
    assert (entry.cause, entry.text) == ("challenge", "Security challenge encountered")


def test_otp_at_every_connection() -> None:
    """931 asks for an escalation whose link is for use inside the app, if Fix is integrated."""
    steps = ["stop_reminders", "refresh_with_customer_present"]
    assert CATALOGUE.remedy(931, fix_integrated=True) == remedy("otp-escalation", steps, fix_url=True)
    assert CATALOGUE.remedy(931, fix_integrated=False) == remedy("otp-escalation", steps, fix_url=False)


def test_remedies_of_rules() -> None:
    """R7, R10 and R15 find the steps of their kinds in the catalogue, too; tickets have no link."""
    given = {kind: CATALOGUE.rule_remedy(kind, fix_integrated=True) for kind in RULE_KINDS}
    assert given == {
        Kind.CONSENT_RENEWAL: remedy("consent-renewal", ["reauthorise_consent"], fix_url=True),
        Kind.OTP_ESCALATION: CATALOGUE.remedy(931, fix_integrated=True),
        Kind.SUPPORT_TICKET: CATALOGUE.remedy(940, fix_integrated=True),
    }
    assert not any(CATALOGUE.rule_remedy(kind, fix_integrated=False).fix_url for kind in RULE_KINDS)


@pytest.mark.parametrize("code", [0, 102, 204, 424242, -1])
def test_no_remedy(code: int) -> None:
    """Healthy, institution and unknown codes ask nobody for anything."""
    assert CATALOGUE.remedy(code, fix_integrated=True) is None
    assert CATALOGUE.remedy(code, fix_integrated=False) is None


def test_unlisted_code() -> None:
    """A code that the catalogue does not list is unknown, never healthy, and costs no new object."""
    assert CATALOGUE.entry(424242) is UNLISTED
    assert (UNLISTED.code, UNLISTED.cause, UNLISTED.treatment) == (None, "unknown_code", Treatment.UNKNOWN)


def test_round_trip() -> None:
    """A catalogue that travelled in a record is the same, and has the same hash, as the one that was sent."""
    back = Catalogue.model_validate_json(CATALOGUE.model_dump_json())
    assert back == CATALOGUE
    assert back.sha256 == CATALOGUE.sha256
    assert re.fullmatch(r"[0-9a-f]{64}", back.sha256)


def test_hash_can_be_recomputed() -> None:
    """Anybody who holds the record computes the same hash: JSON with sorted keys and no spaces, in UTF-8."""
    held = json.loads(CATALOGUE.model_dump_json())
    canonical = json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(canonical.encode()).hexdigest() == CATALOGUE.sha256


def test_hash_follows_the_content() -> None:
    """The hash depends on the facts, not on the layout of the file; a changed copy has its own hash."""
    compact = Catalogue.from_json(json.dumps(raw(), separators=(",", ":")))
    assert compact.sha256 == CATALOGUE.sha256
    assert CATALOGUE.model_copy(update={"version": "other"}).sha256 != CATALOGUE.sha256


def test_immutable() -> None:
    """Nobody changes a catalogue in passing."""
    with pytest.raises(ValidationError, match="frozen"):
        CATALOGUE.entry(185).cause = "other"  # type: ignore[misc]


def raw() -> dict[str, Any]:
    loaded: dict[str, Any] = CATALOGUE.model_dump(mode="json")
    return loaded


def entry_of(code: int, data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in data["entries"] if entry["code"] == code)
    return found


@pytest.mark.parametrize(
    ("code", "change", "said"),
    [
        (103, {"kind": None, "steps": []}, "code 103: a code treated as customer needs kind connect-fix or relink"),
        (103, {"steps": []}, "code 103: kind and steps go together"),
        (103, {"rank": None}, "code 103: a rank belongs to every code treated as customer"),
        (147, {"rank": 11}, "code 147: a rank belongs to every code treated as customer and to no other"),
        (147, {"kind": "relink"}, "code 147: a code treated as support needs kind support-ticket"),
        (147, {"steps": ["add_account"]}, "code 147: its steps must be those of support-ticket in by_rule"),
        (102, {"kind": "relink", "steps": ["add_account"]}, "code 102: a code treated as institution has no kind"),
        (949, {"fix_applies": True}, "code 949: fix_applies and kind connect-fix go together"),
        (945, {"without_fix": None}, "code 945: without_fix belongs to every code with fix_applies"),
        (945, {"rank": 5}, "codes 945 and 947 share rank 5 but not kind and steps"),
        (949, {"rank": 12}, "ranks must count up from 1 without a gap"),
        (185, {"treatment": "guess"}, "code 185, treatment: Input should be 'healthy', 'customer'"),
        (185, {"steps": ["dance"]}, "code 185, steps, 0: Input should be 'enter_credentials'"),
        (185, {"cause": "Not A Word"}, "code 185, cause: String should match pattern"),
        (185, {"colour": "red"}, "code 185, colour: no such field; remove it"),
        (185, {"code": 187}, "code 187 is listed 2 times; keep one"),
        (185, {"code": None}, "code null is listed 1 times; keep one entry for each known code"),
        (185, {"code": 2}, "entries must stand in ascending order of code; sort them"),
        (204, {"treatment": "healthy"}, "code 0, and no other, is treated as healthy; found [0, 204]"),
    ],
)
def test_broken_entry(code: int, change: dict[str, Any], said: str) -> None:
    """A catalogue that does not hold together is refused, naming the file, the code and what to mend."""
    data = raw()
    entry_of(code, data).update(change)
    with pytest.raises(CatalogueError, match=r"^mine\.json: ") as refusal:
        Catalogue.from_json(json.dumps(data), file="mine.json")
    assert said in str(refusal.value)


def test_all_broken_entries_at_once() -> None:
    """Every broken entry is named, one a line; an entry without a code by its place."""
    data = raw()
    entry_of(103, data)["rank"] = None
    del entry_of(204, data)["text"]
    data["entries"].append({})
    with pytest.raises(CatalogueError) as refusal:
        Catalogue.from_json(json.dumps(data))
    lines = str(refusal.value).splitlines()
    assert lines[0].startswith("catalogue.json: code 103: a rank belongs")
    assert lines[1] == "catalogue.json: code 204, text: Field required"
    assert lines[2].startswith(f"catalogue.json: entry {len(data['entries'])}, code: Field required")


def test_missing_rule_remedy() -> None:
    """The kinds that rules open must be in the file, each once."""
    data = raw()
    data["by_rule"][1] = data["by_rule"][0]
    with pytest.raises(CatalogueError, match="by_rule must hold consent-renewal, otp-escalation, support-ticket"):
        Catalogue.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"entries": 3}', '{"entries": [3]}'])
def test_not_a_catalogue(text: str) -> None:
    """Text that is no catalogue at all is refused in the same way."""
    with pytest.raises(CatalogueError, match=r"^catalogue\.json: "):
        Catalogue.from_json(text)
