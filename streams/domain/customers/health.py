"""Where an account stands: its phase, and its health as others read it."""

from schemas.catalogue import Treatment
from schemas.health import Phase
from schemas.state import AccountState
from streams.domain.cases import contact, otp
from streams.domain.customers.customer import Customer
from streams.domain.messages import Health, OpenCommand
from streams.domain.rules import CASE_KINDS, Rules

_PHASES = {
    Treatment.HEALTHY: Phase.HEALTHY,
    Treatment.CUSTOMER: Phase.CUSTOMER_ACTION,
    Treatment.OTP: Phase.OTP,
    Treatment.SUPPORT: Phase.SUPPORT,
    Treatment.INSTITUTION: Phase.INSTITUTION_TROUBLE,
    Treatment.UNKNOWN: Phase.UNKNOWN,
}


def phase(account: AccountState, rules: Rules) -> Phase:
    """Give the phase of an account: that of its last code, whatever its login stands at."""
    if account.deleted_at is not None:
        return Phase.DELETED
    return Phase.NEVER_AGGREGATED if account.code is None else _PHASES[rules.treatment(account.code)]


def account_health(customer: Customer, account_id: str, rules: Rules) -> Health:
    """Give the present state of an account that is remembered; `KeyError` for any other."""
    account = customer.accounts[account_id]
    case = customer.case(None if account.deleted_at is not None else account.login_id)
    return Health(
        customer_id=customer.customer_id,
        account_id=account_id,
        institution_id=account.institution_id,
        institution_login_id=account.login_id,
        phase=phase(account, rules),
        code=account.code,
        attempted_at=account.attempted_at,
        heard_at=account.heard_at,
        healthy_at=account.healthy_at,
        otp=otp.suspicion(case, account.challenges, rules),
        is_unresponsive=contact.is_unresponsive(case, rules),
        commands=_open_commands(customer, account),
    )


def _open_commands(customer: Customer, account: AccountState) -> tuple[OpenCommand, ...]:
    episodes = customer.case(account.login_id).episodes
    if not episodes or account.deleted_at is not None:
        return ()
    opened = ((kind, episodes.get(kind)) for kind in CASE_KINDS)
    return tuple(OpenCommand(kind, it.command_id, it.sequence) for kind, it in opened if it and it.sequence >= 0)
