"""What the rules demand of the story: written by hand, so that neither follows the other."""

from dataclasses import dataclass

from streams.demo.story import BROKEN, DOWN, GROWING, HEALED, ODD, PAIR, TWELVE, TWICE, UNKNOWN

FINBANK_CUSTOMER = "7000000019"
FINBANK_ACCOUNTS = ("5900000021", "5900000022", "5900000023")
"""The customer of the second part: the sandbox's next ids."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one message of a command says; messages of one command count up from sequence 0."""

    action: str
    code: int
    steps: tuple[str, ...]
    withdraw_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """A command from its first message to its last; `subject` is the customer, of a ticket the institution."""

    subject: str
    topic: str
    said: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the agent asks the executor for."""

    customer: str
    action: str


@dataclass(frozen=True, slots=True)
class Expected:
    """All that may arrive: commands, the phase of each account (`customerId/accountId`), dead letters, lookups."""

    courses: tuple[Course, ...]
    phases: dict[str, str]
    dead_letters: tuple[str, ...]
    lookups: tuple[Lookup, ...]


CHALLENGE = ("answer_challenge",)
CREDENTIALS = ("enter_credentials",)
OAUTH = ("reauthenticate_oauth",)
CASE = ("submit_case",)
FIX = "remediation.connect-fix"


def _reminded(code: int, steps: tuple[str, ...]) -> tuple[Said, ...]:
    """Give what those hear who do nothing: R8, after 1, 3 and 7 days."""
    return (Said("remind", code, steps),) * 3


EXPECTED = Expected(
    courses=(
        # R3, R1: one command, however often the body comes; R5: 0 without a fix of ours is `healed`.
        Course(HEALED.customer, FIX, (Said("issue", 185, CHALLENGE), Said("withdraw", 185, CHALLENGE, "healed"))),
        # R3: one command a login; 103 outranks 945, so the second account changes neither reason nor steps.
        Course(PAIR.customer, FIX, (Said("issue", 103, CREDENTIALS), *_reminded(103, CREDENTIALS))),
        # R3: the other way round the higher rank changes the open command in place.
        Course(
            GROWING.customer,
            FIX,
            (Said("issue", 945, OAUTH), Said("update", 103, CREDENTIALS), *_reminded(103, CREDENTIALS)),
        ),
        Course(
            TWICE.customer,
            "remediation.remove-duplicate",
            (Said("issue", 169, ("keep_one_delete_rest",)), *_reminded(169, ("keep_one_delete_rest",))),
        ),
        Course(
            BROKEN.customer,
            "remediation.relink",
            (Said("issue", 949, ("delete_account", "add_account")), *_reminded(949, ("delete_account", "add_account"))),
        ),
        # R5: code 0 after a repair through our link is `complete`; here twice, as 185 came back.
        *(
            Course(FINBANK_CUSTOMER, FIX, (Said("issue", 185, CHALLENGE), Said("complete", 185, CHALLENGE)))
            for _ in range(2)
        ),
        # R7: back a second time, within 14 days of the repair before it: the bank asks at every connection.
        Course(
            FINBANK_CUSTOMER,
            "remediation.otp-escalation",
            (Said("issue", 185, ("stop_reminders", "refresh_with_customer_present")),),
        ),
        # R10: one ticket an institution and code, updated when the tenth login fails.
        Course(DOWN, "remediation.support-ticket", (Said("issue", 906, CASE), Said("update", 906, CASE))),
        # R11: a code that nobody knows and that stays for 72 hours.
        Course(ODD, "remediation.support-ticket", (Said("issue", 777, CASE),)),
    ),
    phases={
        f"{HEALED.customer}/{HEALED.accounts[0]}": "healthy",
        **{
            f"{person.customer}/{account}": "customer_action"
            for person in (PAIR, GROWING, TWICE, BROKEN)
            for account in person.accounts
        },
        f"{UNKNOWN.customer}/{UNKNOWN.accounts[0]}": "unknown",
        **{f"{person.customer}/{person.accounts[0]}": "support" for person in TWELVE},
        **{f"{FINBANK_CUSTOMER}/{account}": "healthy" for account in FINBANK_ACCOUNTS},
    },
    dead_letters=("unreadable_body",),
    # R6: once, where the vendor's word of a repair was lost.
    lookups=(Lookup(FINBANK_CUSTOMER, "verify"),),
)
