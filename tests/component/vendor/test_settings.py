"""What the client takes from the settings of the process, and what it refuses."""

import pytest
from pydantic import SecretStr

from streams.settings import SettingsError, read_settings
from streams.vendor import VendorSettings
from tests.component.vendor.double import APP_KEY


def test_settings_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first secret is the one that authenticates; a second one only checks signatures."""
    for name, value in (("APP_KEY", APP_KEY), ("PARTNER_ID", "p"), ("PARTNER_SECRETS", "new-canary,old-canary")):
        monkeypatch.setenv(f"TXPUSH_{name}", value)
    monkeypatch.setenv("TXPUSH_VENDOR_DEADLINE_SECONDS", "45")
    settings = VendorSettings.of(read_settings())
    assert settings.partner_secret == SecretStr("new-canary")
    assert (settings.url, settings.deadline_seconds, settings.per_second) == ("https://api.finicity.com", 45.0, 10.0)


def test_an_account_at_the_vendor_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is missing is told at once."""
    monkeypatch.setenv("TXPUSH_PARTNER_ID", "p")
    with pytest.raises(SettingsError) as told:
        VendorSettings.of(read_settings())
    assert str(told.value).splitlines() == [
        "TXPUSH_APP_KEY: needed to call the vendor",
        "TXPUSH_PARTNER_SECRETS: needed to call the vendor",
    ]


@pytest.mark.parametrize("key", ["canary\n", "canary\u00e9"])
def test_an_app_key_that_no_header_takes(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """It is refused at the start, without being told: an error of the HTTP client would quote it."""
    for name, value in (("APP_KEY", key), ("PARTNER_ID", "p"), ("PARTNER_SECRETS", "s")):
        monkeypatch.setenv(f"TXPUSH_{name}", value)
    with pytest.raises(SettingsError, match="TXPUSH_APP_KEY: has characters that no header takes") as told:
        VendorSettings.of(read_settings())
    assert "canary" not in str(told.value)
