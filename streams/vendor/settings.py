"""What the client needs to know; every wait, number of tries and size has its limit here."""

from dataclasses import dataclass

from pydantic import SecretStr

from streams.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class VendorSettings:
    """Where the vendor's API is and who we are there; times in seconds.

    Attributes:
        url: scheme, host and perhaps a port.
        answer_seconds: longest wait for one answer.
        deadline_seconds: longest wait for a call, with its turn, its token and its repetitions.
        per_second: calls a second of this process.
        institution_per_second: calls a second that concern one institution.
        attempts: how often a safe call is made, at most; others are made once.
        max_answer_bytes: a longer answer is not read.
        max_waiting: calls that may wait for their turn at once.
    """

    url: str
    app_key: SecretStr
    partner_id: str
    partner_secret: SecretStr
    answer_seconds: float = 30.0
    deadline_seconds: float = 60.0
    per_second: float = 10.0
    institution_per_second: float = 2.0
    attempts: int = 3
    max_answer_bytes: int = 32 << 20
    max_waiting: int = 1000

    @classmethod
    def of(cls, settings: Settings) -> "VendorSettings":
        """Take them from the settings of the process.

        Raises:
            SettingsError: the account at the vendor is not named, or the app key is none.
        """
        app_key, partner_id = settings.app_key, settings.partner_id
        if app_key is None or partner_id is None or not settings.partner_secrets:
            needed = {"APP_KEY": app_key, "PARTNER_ID": partner_id, "PARTNER_SECRETS": settings.partner_secrets}
            missing = (f"TXPUSH_{name}: needed to call the vendor" for name, value in needed.items() if not value)
            raise SettingsError("\n".join(missing))
        if not (app_key.get_secret_value().isascii() and app_key.get_secret_value().isprintable()):
            raise SettingsError("TXPUSH_APP_KEY: has characters that no header takes; copy it again, without line ends")
        return cls(
            url=settings.vendor_url,
            app_key=app_key,
            partner_id=partner_id,
            partner_secret=settings.partner_secrets[0],
            answer_seconds=settings.vendor_seconds,
            deadline_seconds=settings.vendor_deadline_seconds,
            per_second=settings.vendor_per_second,
            institution_per_second=settings.vendor_institution_per_second,
        )
