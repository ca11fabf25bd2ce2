"""Business: where accounts stand, what becomes of broken links, who is contacted and why not, banks that are down."""

from grafana_foundation_sdk.models import units

from deploy.grafana.boards.panels import Board, Form, Limits, Panel, Query, Row, above, none_of
from deploy.grafana.boards.queries import seen, share, total, within, within_and_new
from streams.observe.parts import business, deciding, executor

TO_CUSTOMERS = {"kind": "connect-fix|relink|remove-duplicate|consent-renewal|otp-escalation"}
ENDED = "complete|withdraw"
NEED_CUSTOMER = "customer_action|otp"

ACCOUNTS = Row(
    "Where accounts stand",
    (
        Panel(
            "Accounts by phase",
            "All accounts by where they stand; those deleted until they are forgotten.",
            "`healthy` above all. `institution_trouble` swells for hours while a bank is down.",
            units.Short,
            (Query(total(business.AGENT_ACCOUNTS, "phase"), "{{phase}}"),),
            Form.STACK,
        ),
        Panel(
            "Healthy accounts",
            "The share of accounts whose last code is 0, of those that are not deleted.",
            "steady from day to day; its level is your banks'.",
            units.PercentUnit,
            (
                Query(
                    share(
                        total(business.AGENT_ACCOUNTS, phase="healthy"),
                        f"{total(business.AGENT_ACCOUNTS)} - {total(business.AGENT_ACCOUNTS, phase='deleted')}",
                    ),
                    "healthy",
                ),
            ),
            Form.NUMBER,
            width=4,
            limits=Limits(((0.8, "orange"), (0.9, "green")), "red"),
            nothing="no accounts",
        ),
        Panel(
            "Accounts that need their customer",
            "Accounts that only their customer can repair, those of one-time passcodes among them.",
            "steady; it falls after reminders.",
            units.Short,
            (Query(total(business.AGENT_ACCOUNTS, phase=NEED_CUSTOMER), "need the customer"),),
            Form.NUMBER,
            width=4,
        ),
        Panel(
            "Banks with most failing accounts",
            "Institutions by the accounts whose last code is not 0: the ten with most.",
            "your largest banks. A small one far up is down, or has changed something.",
            units.Short,
            (Query(f"topk(10, {total(business.AGENT_FAILING_ACCOUNTS, 'institution')})", "{{institution}}"),),
            Form.BARS,
            nothing="none fails",
        ),
    ),
)
CODES = Row(
    "What Mastercard reports",
    (
        Panel(
            "Observations in an hour, by cause",
            "What the status codes of observed accounts mean, after the catalogue.",
            "`healthy` above all, in the rhythm of the nightly aggregation.",
            units.Short,
            (Query(seen(within("1h", business.AGENT_OBSERVATIONS, "cause")), "{{cause}}"),),
            Form.STACK,
            width=12,
        ),
        Panel(
            "Codes that no rule knows",
            "Observations of such codes in an hour, by code; never a reason to contact a customer.",
            "none.",
            units.Short,
            (Query(within_and_new("1h", business.AGENT_UNKNOWN_CODES, "code"), "code {{code}}"),),
            Form.STACK,
            width=12,
            limits=none_of(),
            nothing="none",
            runbooks=("TxpushUnknownCode",),
        ),
    ),
)
REPAIRS = Row(
    "Broken links and repairs",
    (
        Panel(
            "Commands opened in an hour",
            "Broken links that lead to a new command, by kind.",
            "as at the same hour of other days.",
            units.Short,
            (Query(within("1h", deciding.AGENT_COMMANDS, "kind", action="issue", **TO_CUSTOMERS), "{{kind}}"),),
            Form.STACK,
        ),
        Panel(
            "Fixes completed in an hour",
            "Commands that ended with a repair by the customer (`complete`), and those that were not needed any more.",
            "most end by `complete`; `withdraw` is a link that healed by itself, or a command that another has"
            " replaced.",
            units.Short,
            (Query(within("1h", deciding.AGENT_COMMANDS, "action", action=ENDED, **TO_CUSTOMERS), "{{action}}"),),
            Form.STACK,
        ),
        Panel(
            "Commands open",
            "Commands whose links are still broken, by kind.",
            "steady: as many are opened as end.",
            units.Short,
            (Query(total(business.AGENT_COMMANDS_OPEN, "kind"), "{{kind}}"),),
            Form.STACK,
        ),
        Panel(
            "Repaired by customers",
            "Of the commands that ended in the time shown: the share that a customer's repair has completed.",
            "steady. A fall says that links, pages or mails do not work for customers.",
            units.PercentUnit,
            (
                Query(
                    share(
                        within("$__range", deciding.AGENT_COMMANDS, action="complete", **TO_CUSTOMERS),
                        within("$__range", deciding.AGENT_COMMANDS, action=ENDED, **TO_CUSTOMERS),
                    ),
                    "repaired",
                ),
            ),
            Form.NUMBER,
            width=4,
            limits=Limits(((0.2, "orange"), (0.4, "green")), "red"),
            nothing="none ended",
        ),
        Panel(
            "Relapses in an hour",
            "Logins that were challenged again soon after a repair. Two of these, and the bank asks every time.",
            "few; many of one bank say that it no longer remembers us.",
            units.Short,
            (Query(within("1h", business.AGENT_RELAPSES), "relapses"),),
            width=10,
        ),
        Panel(
            "Links in an hour",
            "What customers do with the links of commands: pages shown, led on to the bank, returned, mended"
            " meanwhile.",
            "most that are led on return. `expired` and `changed` are links of old mails.",
            units.Short,
            (Query(seen(within("1h", executor.EXECUTOR_LINKS, "outcome")), "{{outcome}}"),),
            width=10,
        ),
    ),
)
CONTACTS = Row(
    "Contacts of customers",
    (
        Panel(
            "Contacts in an hour",
            "First contacts and reminders that went out.",
            "as at the same hour of other days.",
            units.Short,
            (
                Query(
                    within("1h", deciding.AGENT_COMMANDS, "action", action="issue|remind", **TO_CUSTOMERS), "{{action}}"
                ),
            ),
            Form.STACK,
            runbooks=("TxpushContactVolume",),
        ),
        Panel(
            "Contacts deferred in an hour, and why",
            "Contacts that did not go out at once, by what held them longest.",
            "`cooldown` and `fix_pending`. `incident` while a bank is down, `silence` where an operator has said so.",
            units.Short,
            (Query(within("1h", business.AGENT_CONTACTS_DEFERRED, "reason"), "{{reason}}"),),
            Form.STACK,
        ),
        Panel(
            "Cases that wait, and customers who do not answer",
            "Cases with a contact that waits for its time; cases whose reminders all went out, and that still fail.",
            "the first goes up and down with the day, the second grows slowly.",
            units.Short,
            (
                Query(total(business.AGENT_CASES_WAITING), "waiting"),
                Query(total(business.AGENT_CASES_UNRESPONSIVE), "unresponsive"),
            ),
        ),
    ),
)
BANKS = Row(
    "Passcodes, incidents, tickets",
    (
        Panel(
            "Logins that ask for a passcode every time",
            "Logins that were found to ask at every connection, and how many were newly found in a day.",
            "grows slowly; a jump is a bank that has changed how it lets us in.",
            units.Short,
            (
                Query(total(business.AGENT_OTP_LOGINS), "logins"),
                Query(within("1d", deciding.AGENT_COMMANDS, kind="otp-escalation", action="issue"), "found in a day"),
            ),
            width=6,
            runbooks=("TxpushOtpSurge",),
        ),
        Panel(
            "Incidents open",
            "Banks that fail for many of their customers at once; these are not contacted meanwhile.",
            "0 to a few.",
            units.Short,
            (Query(total(business.AGENT_INCIDENTS_OPEN), "open"),),
            Form.NUMBER,
            width=4,
            limits=above(1, 5),
            runbooks=("TxpushIncidentOpen",),
        ),
        Panel(
            "Incidents in a day",
            "Incidents that were opened and closed.",
            "as many closed as opened.",
            units.Short,
            (Query(within("1d", business.AGENT_INCIDENTS, "change"), "{{change}}"),),
            width=4,
        ),
        Panel(
            "Support tickets open",
            "Tickets that are open, by cause.",
            "one for each incident; the rest is work for support.",
            units.Short,
            (Query(total(business.AGENT_TICKETS_OPEN, "cause"), "{{cause}}"),),
            Form.STACK,
            width=5,
        ),
        Panel(
            "Ticket messages in a day",
            "Messages on remediation.support-ticket, by what happened to the ticket.",
            "a few.",
            units.Short,
            (Query(within("1d", deciding.AGENT_COMMANDS, "action", kind="support-ticket"), "{{action}}"),),
            Form.STACK,
            width=5,
        ),
    ),
)
BOARD = Board(
    "txpush-business",
    "txpush: business",
    "Where accounts stand, what becomes of broken links, who is contacted and why not, and which banks are down.",
    since="now-7d",
    refresh="5m",
    rows=(ACCOUNTS, CODES, REPAIRS, CONTACTS, BANKS),
)
