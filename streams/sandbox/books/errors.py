"""Refusals of the vendor's API, with the codes of its error table (domain 3.4)."""


class Refusal(Exception):  # noqa: N818 - an answer of the vendor, not a fault of ours
    """The call is answered with `status` and an ErrorMessage of `code`."""

    def __init__(self, status: int, code: str, message: str, /, **more: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.body: dict[str, object] = {"code": code, "message": message, **more}


class PlainRefusal(Refusal):
    """The same as plain text, as the vendor answers a wrong application key."""


def missing(name: str) -> Refusal:
    """A required field of the body is not there."""
    return Refusal(400, "10005", f"Missing parameter ({name})")


def invalid(message: str) -> Refusal:
    """A field of the body cannot be used."""
    return Refusal(
        400, "10010", message, status="400", user_message="One or more of the fields could not be validated."
    )


def no_customer() -> Refusal:
    """No customer has this id."""
    return Refusal(404, "14001", "Customer not found.")


def no_resource() -> Refusal:
    """Nothing has this id."""
    return Refusal(404, "14001", "Resource not found.")


def not_of_customer(customer_id: str, account_id: str) -> Refusal:
    """The account is unknown, deleted, or another customer's."""
    text = f"customer does not have given account (customerId = {customer_id}, accountId = [{account_id}])"
    return Refusal(404, "38003", text)


def no_accounts_of_login() -> Refusal:
    """The login is unknown, empty, or another customer's."""
    return Refusal(404, "38007", "Customer does not have any accounts associated with institutionLoginId.")


def aggregation_failed(code: int) -> Refusal:
    """A live call met an aggregation code: HTTP 500 with the code in the body (domain 3.4)."""
    return Refusal(500, str(code), "The institution could not be reached with this login.", status="500", tags="AGG")
