"""Which handler answers which path."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from streams.sandbox.api.accounts import Accounts
from streams.sandbox.api.connect import ConnectLinks
from streams.sandbox.api.control import Control
from streams.sandbox.api.customers import Customers
from streams.sandbox.api.front import Front, Handler
from streams.sandbox.api.txpush import TxPush
from streams.sandbox.hosted.links import Links
from streams.sandbox.hosted.visits import Visits
from streams.sandbox.parts import Parts

_V1, _V2 = "/aggregation/v1/customers", "/aggregation/v2/customers"
_CUSTOMER = f"{_V1}/{{customerId}}"
_ACCOUNT = f"{_CUSTOMER}/accounts/{{accountId}}"
_LOGIN = f"{_CUSTOMER}/institutionLogins/{{institutionLoginId}}"

Operation = tuple[str, str, Handler]


def application(parts: Parts, control: Control) -> Starlette:
    """Put everything under its path."""
    front, links = Front(parts), Links(parts.seed, parts.partner.id)
    customers, visits = Customers(parts), Visits(parts, links)
    authentication = "/aggregation/v2/partners/authentication"
    routes: list[BaseRoute] = [
        Route(authentication, front.guarded(customers.authenticate, needs_token=False), methods=["POST"]),
        Route(authentication, front.guarded(customers.change_secret, needs_token=False), methods=["PUT"]),
    ]
    operations = [*_of_customers(customers), *_of_accounts(Accounts(parts)), *_of_txpush(TxPush(parts))]
    operations += _of_links(ConnectLinks(parts, links))
    routes += [Route(path, front.guarded(handler), methods=[method]) for method, path, handler in operations]
    routes += [
        Route("/connect", visits.open, methods=["GET"]),
        Route("/connect/visits/{visit}", visits.show, methods=["GET"]),
        Route("/connect/visits/{visit}", visits.submit, methods=["POST"]),
        Mount("/sandbox", routes=control.routes()),
    ]
    return Starlette(routes=routes)


def _of_customers(customers: Customers) -> list[Operation]:
    return [
        ("POST", f"{_V2}/testing", customers.add_testing),
        ("POST", f"{_V2}/active", customers.add_active),
        ("GET", _V1, customers.listed),
        ("GET", _CUSTOMER, customers.one),
        ("DELETE", _CUSTOMER, customers.delete),
    ]


def _of_accounts(accounts: Accounts) -> list[Operation]:
    return [
        ("GET", f"{_V2}/{{customerId}}/accounts/{{accountId}}", accounts.one),
        ("GET", f"{_CUSTOMER}/accounts/simple", accounts.of_customer_simple),
        ("GET", f"{_CUSTOMER}/accounts", accounts.of_customer),
        ("POST", f"{_CUSTOMER}/accounts", accounts.refresh_customer),
        ("GET", f"{_ACCOUNT}/simple", accounts.one_simple),
        ("GET", f"{_ACCOUNT}/owner", accounts.owner),
        ("DELETE", _ACCOUNT, accounts.delete_one),
        ("GET", f"{_LOGIN}/accounts", accounts.of_login),
        ("GET", f"{_LOGIN}/accounts/simple", accounts.of_login_simple),
        ("POST", f"{_LOGIN}/accounts", accounts.refresh_login),
        ("DELETE", _LOGIN, accounts.delete_login),
        ("PUT", f"{_V2}/{{customerId}}/institutionLogins/{{institutionLoginId}}/migration", accounts.migrate),
        ("GET", "/customers/institution-logins/{institutionLoginId}/authorization-details", accounts.authorization),
        ("GET", "/institution/v2/institutions", accounts.institutions),
        ("GET", "/institution/v2/institutions/{institutionId}", accounts.institution),
    ]


def _of_txpush(txpush: TxPush) -> list[Operation]:
    return [
        ("POST", f"{_ACCOUNT}/txpush", txpush.subscribe),
        ("DELETE", f"{_ACCOUNT}/txpush", txpush.disable),
        ("DELETE", f"{_CUSTOMER}/subscriptions/{{subscriptionId}}", txpush.delete),
        ("POST", f"{_ACCOUNT}/transactions", txpush.transaction),
    ]


def _of_links(links: ConnectLinks) -> list[Operation]:
    return [("POST", "/connect/v2/generate", links.full), ("POST", "/connect/v2/generate/fix", links.fix)]
