"""What a visit tells the listener, and the refresh that follows a repair."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from streams.sandbox.books.model import Login
from streams.sandbox.hosted.session import Ending, Session
from streams.sandbox.parts import Parts

LEFT_MINUTES = 20


class Teller:
    """Sends the events of visits."""

    def __init__(self, parts: Parts) -> None:
        self._world = parts.world
        self._aggregator = parts.aggregator
        self._outbox = parts.outbox
        self._agenda = parts.agenda
        self._clock = parts.clock
        self._refresh_after = timedelta(seconds=parts.settings.refresh_after_seconds)

    def now(self) -> datetime:
        """Give the present."""
        return self._clock.now()

    def tell(self, session: Session, event_type: str, payload: Mapping[str, Any]) -> None:
        """Send an event of the visit."""
        link = session.link
        self._outbox.tell(link.listener, link.customer_id, event_type, payload, self._clock.now())

    def refresh(self, login: Login) -> None:
        """Have the accounts of a login refreshed in a moment; nobody is asked again (vendor page, step 6)."""

        def run(at: datetime) -> None:
            self._aggregator.attempt(self._world.of_login(login.id), at, attended=True)

        self._agenda.errand(self._clock.now() + self._refresh_after, run)

    def refresh_if_left(self, session: Session, login: Login) -> None:
        """Have them refreshed all the same where the visit is not finished: the window may be closed."""

        def run(at: datetime) -> None:
            if session.ending is not Ending.COMPLETE:
                self._aggregator.attempt(self._world.of_login(login.id), at, attended=True)

        self._agenda.errand(self._clock.now() + timedelta(minutes=LEFT_MINUTES), run)
