"""The hosted page in HTML: forms that work without a script, by keyboard and with a screen reader."""

from collections.abc import Callable, Iterable, Mapping
from html import escape

from streams.sandbox.books.aggregation import OK
from streams.sandbox.books.model import Account
from streams.sandbox.books.profiles import Challenge
from streams.sandbox.books.world import World
from streams.sandbox.hosted.session import MAX_MISTAKES, Session, Step

_STYLE = """
body { font: 1.0625rem/1.5 system-ui, sans-serif; color: #1d1d1f; background: #f4f4f6; margin: 0; }
main { max-width: 30rem; margin: 2rem auto; padding: 1.5rem 2rem 2rem; background: #fff; border-radius: .5rem; }
h1 { font-size: 1.5rem; margin-top: 0; } h2 { font-size: 1.125rem; margin-top: 2rem; }
label { display: block; margin: .75rem 0 .25rem; } fieldset { border: 0; padding: 0; margin: 0; }
legend { font-weight: 600; padding: 0; } fieldset label { font-weight: 400; }
input[type=text], input[type=password] { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem;
  border: 1px solid #6b6b70; border-radius: .25rem; }
button { font: inherit; padding: .5rem 1.25rem; margin: 1rem .5rem 0 0; border: 1px solid #1d4fb8;
  border-radius: .25rem; background: #1d4fb8; color: #fff; }
button.quiet { background: #fff; color: #1d4fb8; }
:focus-visible { outline: 3px solid #e08a00; outline-offset: 2px; }
.problem { border-left: 4px solid #b3261e; padding: .5rem 1rem; background: #fdeceb; }
.sandbox { color: #55555a; font-size: .9375rem; }
"""
_QUESTIONS: Mapping[Challenge, tuple[str, tuple[str, ...]]] = {
    Challenge.TEXT: ("What is the name of your first pet?", ()),
    Challenge.IMAGE: ("Which letters does the picture show?", ()),
    Challenge.CHOICE: ("In which city were you born?", ("Murray", "Denver", "Provo", "fail")),
    Challenge.IMAGE_CHOICE: ("Which picture did you choose when you opened your account?", ("boat", "tree", "kite")),
    Challenge.PASSCODE: ("Which passcode did your bank send you?", ()),
}


def of(session: Session, world: World) -> str:
    """Give the page of a visit."""
    return _PAGES[session.step](session, world)


def notice(title: str, text: str) -> str:
    """Give a page that only says something."""
    return _document(title, f"<p>{escape(text)}</p>")


def _banks(session: Session, world: World) -> str:
    banks = [(bank.id, bank.name) for bank in world.institutions.search("")]
    body = _form(_choices("Your bank", "radio", "institution", banks), "choose", "Continue")
    accounts = list(world.of_customer(session.link.customer_id))
    for login_id in sorted({one.login_id for one in accounts if one.code not in {None, OK}}):
        name = escape(world.bank_of(world.logins[login_id]).name)
        hidden = f'<input type="hidden" name="login" value="{login_id}"><h2>{name} needs your attention</h2>'
        body += _form(hidden, "reconnect", f"Reconnect {name}", quiet_exit=False)
    if accounts:
        listed = [(one.id, _shown(one)) for one in accounts]
        body += "<h2>Accounts you share</h2>"
        body += _form(_choices("Stop sharing", "checkbox", "account", listed), "remove", "Remove", quiet_exit=False)
    return _document("Connect your bank", _problem(session) + body)


def _credentials(session: Session, _world: World) -> str:
    fields = (
        '<label for="username">User name</label>'
        '<input id="username" name="username" type="text" autocomplete="off" required autofocus>'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="off" required>'
    )
    return _document(f"Sign in to {_bank(session)}", _problem(session) + _form(fields, "sign_in", "Sign in"))


def _challenge(session: Session, _world: World) -> str:
    question, answers = _QUESTIONS[session.challenge]
    if session.round > 1:
        question = f"{question} (question {session.round})"
    if answers:
        fields = _choices(question, "radio", "answer", [(one, one) for one in answers])
    else:
        fields = (
            f'<label for="answer">{escape(question)}</label>'
            '<input id="answer" name="answer" type="text" autocomplete="one-time-code" required autofocus>'
        )
    text = f"<p>{escape(_bank(session))} wants to be sure that it is you.</p>"
    return _document("One question from your bank", _problem(session) + text + _form(fields, "answer", "Answer"))


def _oauth(session: Session, _world: World) -> str:
    text = f"<p>This stands for {escape(_bank(session))}'s own page, where you sign in and agree to share data.</p>"
    return _document(f"Agree at {_bank(session)}", text + _form("", "approve", "Approve"))


def _accounts(session: Session, _world: World) -> str:
    openings = () if session.profile is None else session.profile.openings
    listed = [(str(place), opening.name) for place, opening in enumerate(openings)]
    fields = _choices("Accounts to share", "checkbox", "account", listed, checked=True)
    return _document("Choose your accounts", _problem(session) + _form(fields, "save", "Share"))


def _finish(session: Session, _world: World) -> str:
    text = f"<p>{escape(_bank(session))} is connected.</p>"
    return _document("That worked", text + _form("", "finish", "Finish", quiet_exit=False))


def _nothing(session: Session, _world: World) -> str:
    text = f"<p>Your connection to {escape(_bank(session))} works; there is nothing to repair.</p>"
    return _document("Nothing to do", text + _form("", "exit", "Go back", quiet_exit=False))


def _trouble(session: Session, _world: World) -> str:
    text = f"<p>{escape(_bank(session))} cannot be connected now (code {session.code}).</p>"
    return _document("This cannot be done now", text + _form("", "exit", "Go back", quiet_exit=False))


def _over(_session: Session, _world: World) -> str:
    return notice("This visit is over", "You can close this window.")


_PAGES: Mapping[Step, Callable[[Session, World], str]] = {
    Step.BANKS: _banks,
    Step.CREDENTIALS: _credentials,
    Step.CHALLENGE: _challenge,
    Step.OAUTH: _oauth,
    Step.ACCOUNTS: _accounts,
    Step.FINISH: _finish,
    Step.NOTHING: _nothing,
    Step.TROUBLE: _trouble,
    Step.OVER: _over,
}


def _bank(session: Session) -> str:
    return "your bank" if session.bank is None else session.bank.name


def _shown(account: Account) -> str:
    return f"{account.name} {account.number[-4:]}"


def _problem(session: Session) -> str:
    if not session.problem:
        return ""
    left = MAX_MISTAKES - session.mistakes
    tries = f" Tries left: {left}." if session.mistakes else ""
    return f'<p class="problem" role="alert">{escape(session.problem)}{tries}</p>'


def _choices(legend: str, kind: str, name: str, options: Iterable[tuple[str, str]], *, checked: bool = False) -> str:
    state = " checked" if checked else ""
    rows = [
        f'<label><input type="{kind}" name="{name}" value="{escape(value)}"{state}> {escape(text)}</label>'
        for value, text in options
    ]
    return f"<fieldset><legend>{escape(legend)}</legend>{''.join(rows)}</fieldset>"


def _form(fields: str, action: str, label: str, *, quiet_exit: bool = True) -> str:
    leave = '<button class="quiet" name="action" value="exit" formnovalidate>Exit</button>' if quiet_exit else ""
    return f'<form method="post">{fields}<button name="action" value="{action}">{escape(label)}</button>{leave}</form>'


def _document(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}"
        '<p class="sandbox">A sandbox: no bank is asked.</p></main></body></html>'
    )
