"""The keys with which links of recorded commands are checked: those in use, and those of former times."""

import re
from collections.abc import Sequence
from pathlib import Path

from streams.audit.plan import LinkKeys
from streams.settings import Settings, SettingsError

KEY = re.compile(r"[0-9a-fA-F]{64}")


def link_keys(settings: Settings, former: Path | None, former_urls: Sequence[str]) -> LinkKeys:
    """Take keys and addresses from the settings, and those of former times from a file and from the command line.

    Raises:
        SettingsError: there are no keys, or no address; or the file has what is no key, which is not quoted.
    """
    if settings.link_url is None or not settings.link_keys:
        raise SettingsError("TXPUSH_LINK_URL and TXPUSH_LINK_KEYS: --link-key needs both, as the agent has them")
    keys = [key.get_secret_value() for key in settings.link_keys]
    if former is not None:
        keys += _read(former)
    addresses = (settings.link_url, *(url.rstrip("/") for url in former_urls))
    return LinkKeys(tuple(map(bytes.fromhex, keys)), addresses)


def _read(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text("ascii").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: cannot be read: {type(error).__name__}; name a file of keys, one a line"
        ) from error
    for number, line in enumerate(lines, 1):
        if line and not KEY.fullmatch(line):
            raise SettingsError(f"{path}:{number}: no key of a link: each has 64 hex digits, one a line")
    return [line for line in lines if line]
