"""What tests of a lost cluster do before it is lost and after it: customers, failures, and links of before."""

from pathlib import Path

from tests.integration.whole.canaries import OPENINGS
from tests.integration.whole.recipe import FINBANK, Command
from tests.integration.whole.stack import Flow
from tests.waiting import until

BAD_PASSWORD = 103


def origin(command: Command) -> str:
    """Give where a command's link leads: the executor of before, which is gone with its port."""
    return str(command["fix_url"]).partition("/fix/")[0]


def folder(path: Path) -> Path:
    """Make a folder and give it."""
    path.mkdir()
    return path


async def well_customer(flow: Flow) -> str:
    """Give a customer with a login that works and is subscribed to."""
    customer, sandbox = await flow.api.enrol(), flow.whole.sandbox
    login = sandbox.add_login(customer, FINBANK, "demo", "go", OPENINGS)
    await flow.whole.txpush("subscribe", customer, *sandbox.accounts_of(login.id))
    sandbox.refresh(login.id)
    await until(lambda: flow.whole.codes(customer) == {0})
    return customer


def fails(flow: Flow, customer: str) -> None:
    """Have the bank refuse the customer's password from now on."""
    _refreshed(flow, customer, BAD_PASSWORD)


def heals(flow: Flow, customer: str) -> None:
    """Have it take the password again."""
    _refreshed(flow, customer, None)


def _refreshed(flow: Flow, customer: str, trouble: int | None) -> None:
    sandbox = flow.whole.sandbox
    (login,) = {one.institution_login_id for one in sandbox.truth() if one.customer_id == customer}
    sandbox.set_login(login, trouble=trouble)
    sandbox.refresh(login)
