"""The lower half of what those on call look at: what fails, and what customers and banks notice."""

from grafana_foundation_sdk.models import units

from deploy.grafana.boards.panels import Form, Panel, Query, Row, above, none_of
from deploy.grafana.boards.queries import CHOSEN, STARTED, age, of, per_second, seen, share, total, within
from streams.observe import metrics
from streams.observe.parts import business, deciding, vendor

REFUSED = "overloaded|log_unavailable|failed"
"""What the bridge answers with 503 or 500."""
NOT_LET_IN = "unsigned|no_key|not_found|wrong_source|too_often|bad_request|too_large|too_slow|wrong_media_type"
"""What the bridge answers with 4xx."""
NOTIFICATIONS = "txpush|connect|unknown_token"
"""Routes of the vendor's, and addresses of their form."""
NOT_GOOD = "wrong|missing|unreadable"
JUDGED = f"good|{NOT_GOOD}"
"""Results but the one of a key that is not known."""
CALL_FAILED = "try_again|misconfigured|invalid_request"
"""What callers of the vendor are told where waiting, or an operator, has to help."""
CONTACTS = {"kind": "connect-fix|relink|remove-duplicate|consent-renewal|otp-escalation", "action": "issue|remind"}

FAILS = Row(
    "What fails",
    (
        Panel(
            "503 and 500 of the bridge",
            "Requests that should have been stored and were not, by why. Mastercard repeats each for six hours.",
            "none. `log_unavailable` is the brokers, `overloaded` is too much at once, `failed` is a fault of ours.",
            units.RequestsPerSecond,
            (Query(per_second(metrics.BRIDGE_REQUESTS, "outcome", outcome=REFUSED), "{{outcome}}"),),
            width=6,
            limits=none_of(0.01),
            runbooks=("TxpushNotAcceptedFast",),
        ),
        Panel(
            "Notifications refused in an hour: 4xx",
            "What came to callback addresses, or to such with a token that is not ours, and was refused, by route and"
            " why. Mastercard repeats each for six hours.",
            "none; a few `no_key` while accounts are subscribed. `unknown_token` is a callback URL with another token,"
            " `no_key` an account whose signing key is not known, `unsigned` a signature that is not good.",
            units.Short,
            (
                Query(
                    seen(
                        within(
                            "1h",
                            metrics.BRIDGE_REQUESTS,
                            "route, outcome",
                            CHOSEN,
                            route=NOTIFICATIONS,
                            outcome=NOT_LET_IN,
                        )
                    ),
                    "{{route}} {{outcome}}",
                ),
            ),
            Form.STACK,
            width=6,
            limits=none_of(20),
            nothing="none",
            runbooks=("TxpushNotificationsRefused",),
        ),
        Panel(
            "Signatures that are not good",
            "The share of notifications whose signature is wrong, missing or unreadable. Where signatures are enforced,"
            " all of these are refused. Those whose key is not known are left out: they are in the panel beside it.",
            "0.",
            units.PercentUnit,
            (
                Query(
                    share(
                        within("15m", metrics.BRIDGE_SIGNATURES, result=NOT_GOOD),
                        within("15m", metrics.BRIDGE_SIGNATURES, result=JUDGED),
                    ),
                    "not good",
                ),
            ),
            width=6,
            limits=above(0.01, 0.05),
            nothing="no notifications",
            runbooks=("TxpushSignaturesWrong",),
        ),
        Panel(
            "Dead letters in 15 min",
            "Records that could not be read or decided on, by who set them aside and why.",
            "none, or a few now and then. `txpush dead-letter list` shows them.",
            units.Short,
            (
                Query(seen(within("15m", metrics.BRIDGE_DEAD_LETTERS, "reason")), "bridge {{reason}}"),
                Query(seen(within("15m", deciding.AGENT_DEAD_LETTERS, "job, reason")), "{{job}} {{reason}}"),
            ),
            Form.STACK,
            width=6,
            limits=none_of(10),
            nothing="none",
            runbooks=("TxpushDeadLetters",),
        ),
        Panel(
            "Calls to Mastercard that fail",
            "The share of calls that got no answer, or one that an operator has to look at. Links wait for `fix_url`.",
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
            width=6,
            limits=above(0.1, 0.5),
            nothing="no calls",
            runbooks=("TxpushVendorFails",),
        ),
        Panel(
            "Credentials refused in 15 min",
            "How often Mastercard has refused our secret. Five refusals lock the partner; the gate tries a pair no"
            " second time.",
            "0.",
            units.Short,
            (Query(within("15m", vendor.VENDOR_AUTHENTICATIONS, outcome="refused"), "refused"),),
            Form.NUMBER,
            width=4,
            limits=none_of(0.5),
            runbooks=("TxpushCredentialsRefused",),
        ),
        Panel(
            "Age of the signing keys",
            "Seconds since a bridge last knew all signing keys, the longest of all bridges.",
            "a few seconds. Past 300 s notifications of new accounts are refused.",
            units.Seconds,
            (Query(age(metrics.BRIDGE_KEYS_KNOWN), "keys"),),
            Form.NUMBER,
            width=4,
            limits=above(60, 300),
            nothing="no keys",
            runbooks=("TxpushSigningKeysOld",),
        ),
        Panel(
            "Starts in 30 min",
            "How often a process was started, by where it runs. Workers end themselves when anything is not as it"
            " should be.",
            "0; 1 during a deployment.",
            units.Short,
            (Query(f"changes({of(STARTED)}[30m])", "{{job}} {{instance}}"),),
            width=5,
            limits=above(1, 3),
            runbooks=("TxpushWorkerFlaps",),
        ),
        Panel(
            "Timers that could not be told",
            "Customers and banks whose due time could not be told: they wait for their next own event.",
            "none.",
            units.Short,
            (Query(within("15m", deciding.AGENT_TIMERS_FAILED, "job"), "{{job}}"),),
            width=5,
            limits=none_of(0.5),
            runbooks=("TxpushTimersFail",),
        ),
    ),
)
NOTICED = Row(
    "What customers and banks notice",
    (
        Panel(
            "Contacts in an hour",
            "First contacts and reminders that were sent out, by kind. `txpush override silence --all` is the stop"
            " button.",
            "as at the same hour of other days. A wave for one kind follows a bank's outage or its change of login.",
            units.Short,
            (Query(within("1h", deciding.AGENT_COMMANDS, "kind", CHOSEN, **CONTACTS), "{{kind}}"),),
            Form.STACK,
            runbooks=("TxpushContactVolume",),
        ),
        Panel(
            "Incidents, and logins that always ask",
            "Banks that are down for many of their customers; and logins found within six hours to ask for a"
            " passcode every time.",
            "incidents come and go: their customers are left alone meanwhile. Escalations stay below 20.",
            units.Short,
            (
                Query(total(business.AGENT_INCIDENTS_OPEN), "incidents open"),
                Query(
                    within("6h", deciding.AGENT_COMMANDS, "", CHOSEN, kind="otp-escalation", action="issue"),
                    "escalations in 6 h",
                ),
            ),
            limits=above(5, 20),
            runbooks=("TxpushIncidentOpen", "TxpushOtpSurge"),
        ),
        Panel(
            "Unknown codes",
            "Observations of codes that no rule knows since the agents were started, by code.",
            "none. A new code opens a support ticket where it stays, and contacts nobody.",
            units.Short,
            (Query(total(business.AGENT_UNKNOWN_CODES, "code"), "code {{code}}"),),
            limits=none_of(),
            nothing="none",
            runbooks=("TxpushUnknownCode",),
        ),
    ),
)
