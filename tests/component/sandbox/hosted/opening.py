"""How tests get to a repair: a login that fails, a link that is opened, a visit that is finished."""

from streams.sandbox.visitor import Page, Visitor
from tests.component.sandbox.bench import BACK, Bench

GO = "go"


async def opened(bench: Bench, customer: str, login: str, **more: object) -> tuple[Visitor, Page]:
    """Open a Fix link."""
    visitor = bench.visitor()
    return visitor, await visitor.open(await bench.link(customer, login, **more))


async def failing(bench: Bench, username: str, code: int | None = None, password: str = GO) -> tuple[str, str]:
    """Give a customer whose login has failed, with that code if one is given."""
    customer, login = await bench.connected(username, password)
    if code is not None:
        bench.sandbox.set_login(login, trouble=code)
    bench.sandbox.refresh(login)
    await bench.sandbox.settle()
    bench.listener.received.clear()
    return customer, login


async def finished(bench: Bench, visitor: Visitor) -> list[str]:
    """Finish, wait for the refresh, and give what was heard."""
    page = await visitor.press("finish")
    assert str(page.left_to) == f"{BACK}&code=200&reason=complete"
    await bench.after(seconds=2)
    return bench.listener.words()
