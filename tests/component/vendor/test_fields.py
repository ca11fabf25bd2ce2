"""Fields that a refusal of the vendor's names: said in our words, and nothing else of what it said."""

import pytest

from streams.vendor import FixRequest, InvalidRequestError
from streams.vendor.answers import Answer, error_of
from tests.component.vendor.double import CUSTOMER, LOGIN, Reply

XML = "<?xml version='1.0'?><error><code>10005</code><message>{}</message></error>"


def refused(reply: Reply) -> InvalidRequestError:
    """Give the error of an answer to a call that the vendor cannot use."""
    error = error_of(Answer(reply.status, reply.content))
    assert isinstance(error, InvalidRequestError)
    assert "canary" not in repr(error)
    return error


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("Missing parameter (redirectUri)", "redirectUri"),
        ('"webhookContentType" must be application/json, canary', "webhookContentType"),
        ("Webhook Content Type must be canary", "webhookContentType"),
        ("the webhook data is no canary", "webhookData"),
        ("WEBHOOK and Redirect URI: canary", "redirectUri, webhook"),
        ("The canary did not answer the ping", "webhook"),
        ("Customer ID does not exist or does not belong to this partner, canary", "customerId"),
    ],
)
def test_fields_that_an_answer_names(message: str, named: str) -> None:
    """They are named in our words, so that whoever mends it knows where; the answer itself is not quoted."""
    for reply in (
        Reply(400, {"code": "10010", "message": message}),
        Reply(400, XML.format(message), "application/xml"),
        Reply(422, message, "text/plain"),
    ):
        error = refused(reply)
        assert f": the answer names {named} (" in str(error)
        assert ", ".join(sorted(error.fields)) == named


def test_an_answer_that_names_no_field() -> None:
    """Then the code has to do; a field that is only part of another word, or far behind, is not named."""
    for message in ("canary", "customerIdentity", "x" * 100_000 + " webhook"):
        error = refused(Reply(400, {"code": "10010", "message": message}))
        assert (str(error), error.fields) == ("a field is not valid (code 10010, HTTP 400)", frozenset())


def test_every_field_that_is_sent_can_be_named() -> None:
    """Else the one that is wrong would be the one that the log does not say."""
    request = FixRequest(CUSTOMER, LOGIN, "https://w.example", {"a": "b"}, "https://r.example", "es", "default")
    for name in {*request.body("partner"), "callbackUrl"}:
        error = refused(Reply(400, {"code": "10005", "message": f"Missing parameter ({name})"}))
        assert error.fields == {name}
