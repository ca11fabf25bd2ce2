"""The vendor: calls, their outcomes, how long it takes, the token, how near a lockout is, what it sends us."""

from grafana_foundation_sdk.models import units

from deploy.grafana.boards.failing import CALL_FAILED
from deploy.grafana.boards.panels import Board, Form, Panel, Query, Row, above, none_of
from deploy.grafana.boards.queries import age, of, per_second, quantile, share, summed, total, within, worst
from streams.observe import metrics
from streams.observe.parts import deciding, executor, vendor

PER_SECOND = 10
"""The default of TXPUSH_VENDOR_PER_SECOND."""

CALLS = Row(
    "Calls",
    (
        Panel(
            "Calls by operation",
            "Calls of the vendor's API, by which; one that is repeated counts once.",
            "`fix_url` as customers open links, `account_simple` and `login_accounts` for look-ups.",
            units.RequestsPerSecond,
            (Query(per_second(vendor.VENDOR_CALLS, "call"), "{{call}}"),),
            Form.STACK,
        ),
        Panel(
            "Calls by outcome",
            "What callers were told: `try_again` is a passing trouble, `refused` and `misconfigured` are for an"
            " operator, and so is `invalid_request`: a call that the vendor cannot use, which is a fault of ours.",
            "`done`, with a few `gone` and `aggregation_failed`.",
            units.RequestsPerSecond,
            (Query(per_second(vendor.VENDOR_CALLS, "outcome"), "{{outcome}}"),),
            Form.STACK,
        ),
        Panel(
            "Calls that fail, by operation",
            "The share of calls of the last 15 min that got no answer, or one that an operator has to look at.",
            "below 5 %.",
            units.PercentUnit,
            (
                Query(
                    share(
                        within("15m", vendor.VENDOR_CALLS, "call", outcome=CALL_FAILED),
                        within("15m", vendor.VENDOR_CALLS, "call"),
                    ),
                    "{{call}}",
                ),
            ),
            limits=above(0.1, 0.5),
            nothing="no calls",
            runbooks=("TxpushVendorFails",),
        ),
        Panel(
            "Time until an answer",
            "How long the vendor takes for a request. At `TXPUSH_VENDOR_SECONDS` (30) we give up.",
            "most within a second.",
            units.Seconds,
            tuple(Query(quantile(part, vendor.VENDOR_ANSWER_SECONDS), f"{part:.0%}") for part in (0.5, 0.95, 0.99)),
            limits=above(5, 30),
            nothing="no requests",
        ),
        Panel(
            "Budget: requests a second, by process",
            "Requests to the vendor, repetitions among them, against what a process may make:"
            " TXPUSH_VENDOR_PER_SECOND, 10 unless"
            " set. At the limit calls wait, up to 10 s.",
            "well below the limit. The vendor's own is of the app key: it is the sum of all that counts.",
            units.RequestsPerSecond,
            (
                Query(
                    summed(f"rate({of(vendor.VENDOR_ANSWER_SECONDS, part='_count')}[$__rate_interval])", "instance"),
                    "{{instance}}",
                ),
            ),
            limits=above(0.8 * PER_SECOND, PER_SECOND),
        ),
        Panel(
            "Requests made again",
            "Requests repeated because of a passing trouble: twice at most, and only what changes nothing.",
            "near 0.",
            units.RequestsPerSecond,
            (Query(per_second(vendor.VENDOR_REPEATED, "instance"), "{{instance}}"),),
            limits=none_of(1),
        ),
    ),
)
CREDENTIALS = Row(
    "Credentials: five refusals lock the partner",
    (
        Panel(
            "Age of the token",
            "Seconds since the vendor last gave a token, the longest of all processes. It is good for two hours.",
            "below 90 min, at which the next call renews it; older where there are no calls.",
            units.Seconds,
            (Query(age(vendor.VENDOR_TOKEN_ACCEPTED), "token"),),
            Form.NUMBER,
            width=5,
            limits=above(5400, 7200),
            nothing="no token yet",
        ),
        Panel(
            "Refused in the time shown",
            "Attempts with the credentials that the vendor has refused. The gate tries a pair no second time.",
            "0.",
            units.Short,
            (Query(within("$__range", vendor.VENDOR_AUTHENTICATIONS, outcome="refused"), "refused"),),
            Form.NUMBER,
            width=5,
            limits=none_of(0.5),
            runbooks=("TxpushCredentialsRefused",),
        ),
        Panel(
            "Attempts in an hour, by outcome",
            "`unanswered` may have been a refusal and counts as one; `withdrawn` counts for nothing.",
            "`accepted`, every 90 min for each process.",
            units.Short,
            (Query(within("1h", vendor.VENDOR_AUTHENTICATIONS, "outcome"), "{{outcome}}"),),
            width=7,
        ),
        Panel(
            "Customers whom the vendor keeps from their links",
            "Links that could not lead on because the vendor failed or was slow; those that would have been too many;"
            " and customers sent to support, because it cannot use what it was asked.",
            "none.",
            units.RequestsPerSecond,
            (
                Query(
                    per_second(
                        executor.EXECUTOR_LINKS, "outcome", outcome="vendor_failed|vendor_slow|too_many|sent_to_support"
                    ),
                    "{{outcome}}",
                ),
            ),
            width=7,
            limits=none_of(0.01),
            runbooks=("TxpushVendorFails",),
        ),
    ),
    height=7,
)
LOOKUPS = Row(
    "Look-ups",
    (
        Panel(
            "Look-ups done, by outcome",
            "Questions of the agents by what became of them: `verify` after a repair, `locate` where a login is not"
            " known.",
            "`answered`; `gone` for accounts deleted meanwhile.",
            units.OpsPerSecond,
            (Query(per_second(executor.EXECUTOR_LOOKUPS, "action, outcome"), "{{action}} {{outcome}}"),),
        ),
        Panel(
            "Look-ups in hand and waiting",
            "Look-ups that are read and not answered, and those among them that wait for their institution.",
            "near 0.",
            units.Short,
            (
                Query(total(executor.EXECUTOR_IN_HAND, "instance"), "{{instance}} in hand"),
                Query(total(executor.EXECUTOR_WAITING, "instance"), "{{instance}} waiting"),
            ),
            limits=above(50, 100),
            runbooks=("TxpushLookupsWait",),
        ),
        Panel(
            "Tries that have to be made again",
            "Tries of look-ups that came to nothing and are made again later.",
            "near 0.",
            units.OpsPerSecond,
            (Query(per_second(executor.EXECUTOR_LOOKUP_RETRIES, "instance"), "{{instance}}"),),
            limits=none_of(1),
        ),
    ),
    height=7,
)
WEBHOOKS = Row(
    "What the vendor sends",
    (
        Panel(
            "Signatures, by result",
            "Notifications by what the check of their signature came to.",
            "`good`.",
            units.RequestsPerSecond,
            (Query(per_second(metrics.BRIDGE_SIGNATURES, "route, result"), "{{route}} {{result}}"),),
            Form.STACK,
            width=5,
            runbooks=("TxpushSignaturesWrong",),
        ),
        Panel(
            "Accounts whose signing keys are known",
            "Accounts that notifications can be checked for, and records of keys that cannot be opened.",
            "as many as are subscribed to; none unreadable.",
            units.Short,
            (
                Query(worst(metrics.BRIDGE_KEYS), "accounts"),
                Query(worst(metrics.BRIDGE_KEYS_UNREADABLE), "unreadable"),
            ),
            width=5,
            nothing="no keys",
        ),
        Panel(
            "Sent again",
            "Bodies of the vendor that the same process of the bridge had stored before, by route.",
            "none: what was answered 503 is not among them. Any: our 200 did not reach the vendor in time.",
            units.RequestsPerSecond,
            (Query(per_second(metrics.BRIDGE_REDELIVERIES, "route"), "{{route}}"),),
            Form.STACK,
            width=5,
        ),
        Panel(
            "Sent and not as documented, in an hour",
            "Bodies in XML, dates that cannot be read, types that nobody knows, accounts in lists without usable ids.",
            "none: each is told in words in a log.",
            units.Short,
            (
                Query(within("1h", metrics.BRIDGE_XML), "XML bodies"),
                Query(within("1h", metrics.BRIDGE_UNREADABLE_DATES), "unreadable dates"),
                Query(within("1h", metrics.BRIDGE_UNKNOWN_TYPES), "unknown types"),
                Query(within("1h", deciding.AGENT_FUTURE_DATES), "future dates"),
                Query(within("1h", vendor.VENDOR_UNREADABLE_ACCOUNTS), "accounts without ids"),
            ),
            Form.STACK,
            width=5,
            limits=none_of(),
        ),
        Panel(
            "Another form of signature would fit",
            "TxPUSH signatures that another strategy than the one set would find good; looked for with"
            " `TXPUSH_SIGNATURES=log`.",
            "no data. Anything here names the value of `TXPUSH_SIGNATURE_STRATEGY` to set.",
            units.Short,
            (Query(total(metrics.BRIDGE_STRATEGIES, "strategy"), "{{strategy}}"),),
            Form.BARS,
            width=4,
            limits=none_of(),
            nothing="none",
        ),
    ),
    height=7,
)
BOARD = Board(
    "txpush-vendor",
    "txpush: Mastercard",
    "Calls by operation and outcome, how long they take, the token, what is left before a lockout, and what is sent"
    " to us.",
    since="now-6h",
    refresh="1m",
    rows=(CALLS, CREDENTIALS, LOOKUPS, WEBHOOKS),
)
