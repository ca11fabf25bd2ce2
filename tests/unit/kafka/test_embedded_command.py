"""The bar of `txpush kafka` while the archives are fetched."""

from io import StringIO

from rich.console import Console

from streams.kafka.embedded.command import progress_bar


def test_a_download_is_shown_to_its_end() -> None:
    """From the first bytes on; what comes after the end begins nothing new."""
    out = StringIO()
    with progress_bar(Console(file=out, force_terminal=True, width=100)) as show:
        show(1_000_000, 45_000_000)
        show(45_000_000, 45_000_000)
        ended = out.getvalue()
        show(45_000_000, 45_000_000)
    assert "Downloading Kafka" in ended
    assert "45.0/45.0 MB" in ended
    assert out.getvalue() == ended


def test_without_a_download_there_is_no_bar() -> None:
    """What is in the cache is not fetched."""
    out = StringIO()
    with progress_bar(Console(file=out, force_terminal=True, width=100)):
        pass
    assert out.getvalue() == ""
