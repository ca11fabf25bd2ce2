"""Names a pair of credentials without telling it."""

import hashlib

from pydantic import SecretStr

_COST, _BLOCK, _LANES, _BYTES = 2**14, 8, 1, 16
"""A sixteenth of a second and 16 MiB a guess: short secrets cannot be found from the name by trying."""


def pair_of(url: str, app_key: SecretStr, partner_id: str, partner_secret: SecretStr) -> str:
    """Give 32 hex digits that are the same for the same credentials at the same address; slow, on purpose."""
    salt = f"vendor.auth/1\n{url}\n{partner_id}\n{app_key.get_secret_value()}"
    secret = partner_secret.get_secret_value().encode()
    return hashlib.scrypt(secret, salt=salt.encode(), n=_COST, r=_BLOCK, p=_LANES, dklen=_BYTES).hex()
