"""The story of the demo, and what the rules demand of it: both written by hand, so that neither follows the other.

The customers of the commands that live through the kill lie in all three partitions: whichever partitions the killed
agent had, it goes on with a state that it must first restore.
"""

from dataclasses import dataclass

from streams.demo.bodies import Snapshot

INSTITUTION_DOWN = "170681"
TWELVE = tuple(str(7000000101 + n) for n in range(12))
WORKER_TO_KILL = "agent-0"


@dataclass(frozen=True, slots=True)
class Post:
    """Post notifications side by side: one body for each tuple of accounts."""

    title: str
    bodies: tuple[tuple[Snapshot, ...], ...]


@dataclass(frozen=True, slots=True)
class Redeliver:
    """Post the bodies of an earlier step again, byte for byte."""

    title: str
    earlier: str
    times: int


@dataclass(frozen=True, slots=True)
class UseLink:
    """Read the customer's open command back, and post the `done` of a Fix session that was started from it."""

    title: str
    customer: str


@dataclass(frozen=True, slots=True)
class Poison:
    """Post a body that is no notification."""

    title: str
    body: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kill:
    """End a worker with SIGKILL and do not wait for it."""

    worker: str


Step = Post | Redeliver | UseLink | Poison | Kill


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
class Expected:
    """All that may arrive: commands, the phase of each account (`customerId/accountId`), dead letters."""

    courses: tuple[Course, ...]
    phases: dict[str, str]
    dead_letters: tuple[str, ...]


def one(customer: str, code: int, *, attempted_ago: int = 3600) -> Snapshot:
    """Give a customer's only account."""
    return Snapshot(customer, f"59{customer[2:]}", f"71{customer[2:]}", code, attempted_ago=attempted_ago)


def second(customer: str, code: int) -> Snapshot:
    """Give another account of the same login."""
    return Snapshot(customer, f"58{customer[2:]}", f"71{customer[2:]}", code)


def at_down(customer: str) -> Snapshot:
    """Give an account at the institution that is down."""
    return Snapshot(customer, f"59{customer[2:]}", f"71{customer[2:]}", 906, institution=INSTITUTION_DOWN)


FIRST_185 = "185: a challenge"
POISON = b'{"event": {"class": "account", "records": [{"name": "Rosalind\'s Torn Checking", "balance": 77213.09'

STORY: tuple[Step, ...] = (
    Post(FIRST_185, ((one("7000000042", 185),),)),
    Redeliver("the same body, twice more", FIRST_185, times=2),
    Post("185 at another customer", ((one("7000000043", 185),),)),
    UseLink("done: the Fix link was used", "7000000043"),
    Post("103 and 945, one login", ((one("7000000044", 103), second("7000000044", 945)),)),
    Post("945 on one account of a login", ((one("7000000048", 945),),)),
    Post("906 from six customers", tuple((at_down(customer),) for customer in TWELVE[:6])),
    Kill(WORKER_TO_KILL),
    Post("906 from six more", tuple((at_down(customer),) for customer in TWELVE[6:])),
    Post("103 on its second account", ((second("7000000048", 103),),)),
    Post("0: healed at the bank", ((one("7000000042", 0, attempted_ago=0),),)),
    Post("0: after the Fix", ((one("7000000043", 0, attempted_ago=0),),)),
    Post("169: linked twice", ((one("7000000045", 169),),)),
    Post("949: beyond repair", ((one("7000000046", 949),),)),
    Post("777: in no catalogue", ((one("7000000047", 777),),)),
    Poison("a body torn in the middle", POISON, ("Rosalind's Torn", "77213.09")),
)

CHALLENGE = ("answer_challenge",)
CREDENTIALS = ("enter_credentials",)
OAUTH = ("reauthenticate_oauth",)
CASE = ("submit_case",)

EXPECTED = Expected(
    courses=(
        # R3, R1: one command, however often the body comes; R5: 0 without a fix of ours is `healed`.
        Course(
            "7000000042",
            "remediation.connect-fix",
            (Said("issue", 185, CHALLENGE), Said("withdraw", 185, CHALLENGE, "healed")),
        ),
        # R5: 0 after a strong fix, one that names the command, is `complete`.
        Course(
            "7000000043", "remediation.connect-fix", (Said("issue", 185, CHALLENGE), Said("complete", 185, CHALLENGE))
        ),
        # R3: one command a login; 103 outranks 945, so the second account changes neither reason nor steps.
        Course("7000000044", "remediation.connect-fix", (Said("issue", 103, CREDENTIALS),)),
        # R3: the other way round the higher rank changes the open command in place.
        Course("7000000048", "remediation.connect-fix", (Said("issue", 945, OAUTH), Said("update", 103, CREDENTIALS))),
        Course("7000000045", "remediation.remove-duplicate", (Said("issue", 169, ("keep_one_delete_rest",)),)),
        Course("7000000046", "remediation.relink", (Said("issue", 949, ("delete_account", "add_account")),)),
        # R10: one ticket an institution and code, updated when the tenth login fails.
        Course(INSTITUTION_DOWN, "remediation.support-ticket", (Said("issue", 906, CASE), Said("update", 906, CASE))),
    ),
    phases={
        "7000000042/5900000042": "healthy",
        "7000000043/5900000043": "healthy",
        "7000000044/5900000044": "customer_action",
        "7000000044/5800000044": "customer_action",
        "7000000048/5900000048": "customer_action",
        "7000000048/5800000048": "customer_action",
        "7000000045/5900000045": "customer_action",
        "7000000046/5900000046": "customer_action",
        "7000000047/5900000047": "unknown",
        **{f"{customer}/59{customer[2:]}": "support" for customer in TWELVE},
    },
    dead_letters=("unreadable_body",),
)
