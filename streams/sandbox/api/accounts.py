"""Accounts: read, refreshed, migrated and deleted; institutions."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from schemas.times import to_epoch_ms
from streams.sandbox.api.customers import page
from streams.sandbox.api.front import answer, done
from streams.sandbox.books import errors
from streams.sandbox.books.aggregation import CHALLENGED, OK
from streams.sandbox.books.institutions import institution_record
from streams.sandbox.books.migration import migrate_login
from streams.sandbox.books.model import Account
from streams.sandbox.books.records import account_record, simple_record
from streams.sandbox.parts import Parts

DATE_FORMAT = "%Y-%m-%d %H:%M:%S.%f+00:00"
DEFAULT_CONSENT_DAYS = 365.0


class Accounts:
    """Handlers of the accounts' operations."""

    def __init__(self, parts: Parts) -> None:
        self._world = parts.world
        self._aggregator = parts.aggregator
        self._clock = parts.clock

    async def one(self, request: Request) -> Response:
        """GetCustomerAccount."""
        account = self._account(request)
        return answer(account_record(account, self._world.logins[account.login_id]))

    async def one_simple(self, request: Request) -> Response:
        """GetCustomerAccountSimple."""
        account = self._account(request)
        return answer(simple_record(account, self._world.logins[account.login_id]))

    async def of_customer(self, request: Request) -> Response:
        """GetCustomerAccounts."""
        return self._listed(self._of_customer(request))

    async def of_customer_simple(self, request: Request) -> Response:
        """GetCustomerAccountsSimple."""
        return self._listed(self._of_customer(request), simple=True)

    async def of_login(self, request: Request) -> Response:
        """GetCustomerAccountsByInstitutionLogin."""
        return self._listed(self._of_login(request))

    async def of_login_simple(self, request: Request) -> Response:
        """GetCustomerAccountsByInstitutionLoginSimple."""
        return self._listed(self._of_login(request), simple=True)

    async def refresh_customer(self, request: Request) -> Response:
        """RefreshCustomerAccounts."""
        self._aggregator.attempt(self._of_customer(request), self._clock.now())
        return self._listed(self._of_customer(request))

    async def refresh_login(self, request: Request) -> Response:
        """RefreshCustomerAccountsByInstitutionLogin."""
        self._aggregator.attempt(self._of_login(request), self._clock.now())
        return self._listed(self._of_login(request))

    async def owner(self, request: Request) -> Response:
        """GetAccountOwner: it asks the bank, so it may be challenged (HTTP 203) or meet a code (HTTP 500)."""
        account = self._account(request)
        code = self._aggregator.outcome(account, self._clock.now())
        if code == CHALLENGED:
            raise errors.Refusal(203, str(code), "MFA challenge")
        if code != OK:
            raise errors.aggregation_failed(code)
        return answer({"ownerName": "Rosalind Example", "ownerAddress": "1 Example Way Murray UT 84123"})

    async def delete_one(self, request: Request) -> Response:
        """DeleteCustomerAccount."""
        self._world.delete_accounts([self._account(request)], self._clock.now())
        return done()

    async def delete_login(self, request: Request) -> Response:
        """DeleteCustomerAccountsByInstitutionLogin."""
        self._world.delete_accounts(self._of_login(request), self._clock.now())
        return done()

    async def migrate(self, request: Request) -> Response:
        """MigrateInstitutionLoginAccounts."""
        accounts = self._of_login(request)
        migrate_login(self._world, accounts[0].login_id, DEFAULT_CONSENT_DAYS, self._clock.now())
        return self._listed(accounts)

    async def authorization(self, request: Request) -> Response:
        """GetCustomerAuthorizationDetails: of OAuth logins with an end only."""
        login = self._world.logins.get(request.path_params["institutionLoginId"])
        if login is None or not self._world.bank_of(login).oauth:
            raise _no_details("3003", "Institution Login Id is not found")
        if login.consent_from is None or login.consent_until is None:
            raise _no_details("3004", "Institution Login Id details are not found")
        content = {
            "institutionLoginId": int(login.id),
            "authorizationStartDate": login.consent_from.strftime(DATE_FORMAT),
            "authorizationEndDate": login.consent_until.strftime(DATE_FORMAT),
        }
        return answer(content)

    async def institution(self, request: Request) -> Response:
        """GetInstitution."""
        return answer(
            {"institution": institution_record(self._world.institutions.get(request.path_params["institutionId"]))}
        )

    async def institutions(self, request: Request) -> Response:
        """GetInstitutions."""
        query = request.query_params
        number, limit = page(query.get("start"), query.get("limit"))
        found = self._world.institutions.search(query.get("search", ""))
        shown = found[(number - 1) * limit : number * limit]
        content = {
            "found": len(found),
            "displaying": len(shown),
            "moreAvailable": number * limit < len(found),
            "createdDate": to_epoch_ms(self._clock.now()) // 1000,
            "institutions": [institution_record(bank) for bank in shown],
        }
        return answer(content)

    def _account(self, request: Request) -> Account:
        return self._world.account(request.path_params["customerId"], request.path_params["accountId"])

    def _of_customer(self, request: Request) -> list[Account]:
        customer = self._world.customer(request.path_params["customerId"])
        wanted = request.query_params.get("status", "active")
        return list(self._world.of_customer(customer.id)) if wanted == "active" else []

    def _of_login(self, request: Request) -> list[Account]:
        login = self._world.login(request.path_params["customerId"], request.path_params["institutionLoginId"])
        return list(self._world.of_login(login.id))

    def _listed(self, accounts: Iterable[Account], *, simple: bool = False) -> Response:
        write = simple_record if simple else account_record
        return answer({"accounts": [write(one, self._world.logins[one.login_id]) for one in accounts]})


def _no_details(code: str, text: str) -> errors.Refusal:
    return errors.Refusal(404, code, "Resource Not Found.", status="404", user_message=text)
