"""A record as a line and back: the same bytes, whatever they are."""

from hypothesis import given
from hypothesis import strategies as st

from streams.history.exports.lines import ExportedRecord, lines_of, records_of

CONTENT = st.none() | st.binary(max_size=20) | st.text(max_size=20).map(lambda text: text.encode(errors="ignore"))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
RECORDS = st.builds(
    ExportedRecord,
    st.integers(0, 2**62),
    st.integers(-1, 2**62),
    CONTENT,
    CONTENT,
    st.lists(st.tuples(NAMES, CONTENT), max_size=4).map(tuple),
)


@given(st.lists(RECORDS, max_size=5))
def test_any_record_comes_back(records: list[ExportedRecord]) -> None:
    """Null apart from empty, headers of one name in order, and bytes that are no text."""
    lines = lines_of(records)
    assert lines.count(b"\n") == len(records)
    assert list(records_of(lines)) == records


def test_a_line_is_read_by_people() -> None:
    """Text as text; what is left out is null; what is no text is base64 under another name."""
    record = ExportedRecord(7, 1_790_000_000_000, b"7000000042", b'{"a":1}', (("ce_id", b"x:0"), ("n", None)))  # type: ignore[arg-type] # Kafka has null headers
    assert lines_of([record]) == (
        b'{"offset":7,"timestamp":1790000000000,"key":"7000000042","headers":{"ce_id":"x:0","n":null},'
        b'"value":"{\\"a\\":1}"}\n'
    )
    binary = ExportedRecord(8, 0, None, b"\xff", (("n", b"\xfe"), ("n", b"")))
    assert lines_of([binary]) == (
        b'{"offset":8,"timestamp":0,"headers":[["n",null,"/g=="],["n","",null]],"value_base64":"/w=="}\n'
    )
