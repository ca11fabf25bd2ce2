"""Authentication and customers."""

from starlette.requests import Request
from starlette.responses import Response

from streams.sandbox.api.front import answer, done, json_object, text_of
from streams.sandbox.books import errors
from streams.sandbox.books.model import Customer
from streams.sandbox.books.records import customer_record, epoch
from streams.sandbox.parts import Parts

MIN_USERNAME, MAX_USERNAME = 6, 255
DEFAULT_LIMIT, MAX_LIMIT = 25, 1000
_DETAILS = ("firstName", "lastName", "phone", "email", "applicationId")


class Customers:
    """Handlers of the partner's and the customers' operations."""

    def __init__(self, parts: Parts) -> None:
        self._world = parts.world
        self._partner = parts.partner
        self._clock = parts.clock

    async def authenticate(self, request: Request) -> Response:
        """CreateToken."""
        body = await json_object(request)
        pair = text_of(body, "partnerId"), text_of(body, "partnerSecret")
        return answer({"token": self._partner.authenticate(*pair, self._clock.now())})

    async def change_secret(self, request: Request) -> Response:
        """ModifyPartnerSecret."""
        body = await json_object(request)
        pair = text_of(body, "partnerId"), text_of(body, "partnerSecret")
        immediate = body.get("immediate", True) is not False
        self._partner.change_secret(*pair, text_of(body, "newPartnerSecret"), self._clock.now(), immediate=immediate)
        return done()

    async def add_testing(self, request: Request) -> Response:
        """AddTestingCustomer."""
        return await self._add(request, "testing")

    async def add_active(self, request: Request) -> Response:
        """AddCustomer."""
        return await self._add(request, "active")

    async def listed(self, request: Request) -> Response:
        """GetCustomers."""
        query = request.query_params
        found = [customer for customer in self._world.customers.values() if _matches(customer, request)]
        start, limit = page(query.get("start"), query.get("limit"))
        shown = found[start - 1 : start - 1 + limit]
        content = {
            "found": len(found),
            "displaying": len(shown),
            "moreAvailable": start - 1 + limit < len(found),
            "customers": [
                {name: value for name, value in customer_record(one).items() if name != "applicationId"}
                for one in shown
            ],
        }
        return answer(content)

    async def one(self, request: Request) -> Response:
        """GetCustomer."""
        return answer(customer_record(self._world.customer(request.path_params["customerId"])))

    async def delete(self, request: Request) -> Response:
        """DeleteCustomer."""
        self._world.delete_customer(request.path_params["customerId"], self._clock.now())
        return done()

    async def _add(self, request: Request, kind: str) -> Response:
        body = await json_object(request)
        username = text_of(body, "username")
        if not MIN_USERNAME <= len(username) <= MAX_USERNAME:
            raise errors.Refusal(400, "110039", "Username is not as per the policy.")
        details = {name: text_of(body, name) for name in _DETAILS if body.get(name) is not None}
        customer = self._world.add_customer(username, kind, self._clock.now(), details)
        content = {"id": customer.id, "username": customer.username, "createdDate": epoch(customer.created_at)}
        return answer(content, 201)


def _matches(customer: Customer, request: Request) -> bool:
    query = request.query_params
    wanted = {"username": customer.username, "type": customer.type}
    return all(query.get(name) in {None, "", value} for name, value in wanted.items()) and (
        query.get("search", "").casefold() in customer.username.casefold()
    )


def page(start: str | None, limit: str | None) -> tuple[int, int]:
    """Read `start`, counted from 1, and `limit`; a Refusal for what is no number in range."""
    try:
        numbers = int(start or 1), int(limit or DEFAULT_LIMIT)
    except ValueError:
        raise errors.invalid("start and limit must be integers") from None
    if numbers[0] < 1 or not 1 <= numbers[1] <= MAX_LIMIT:
        raise errors.invalid(f"start must be 1 or more, limit 1 to {MAX_LIMIT}")
    return numbers
