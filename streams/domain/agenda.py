"""The timers of a customer in the course of a turn: after each step only those of what it has changed are made anew."""

from collections.abc import Collection, Sequence
from heapq import heappop, heappush

from streams.domain.customers.customer import Customer
from streams.domain.customers.turn import Order, Timer, Turn
from streams.domain.timers import NONE, of_account, of_case, timers_by_owner

Owner = tuple[str, bool]
"""The id of a login or of an account, and whether it is a login; neither for the customer itself."""
NOBODY = frozenset[Order]()
_Entry = tuple[Order, int, Owner, Timer]


class Agenda:
    """A heap with lazy deletion, of one turn: an entry counts as long as its owner still has that very timer.

    A thousand cases may be due at once. To make all timers anew after each would cost a million, and a turn has to fit
    between two polls.
    """

    __slots__ = ("_aside", "_heap", "_number", "_owned", "_turn")

    def __init__(self, turn: Turn) -> None:
        self._number = 0
        self._turn = turn
        self._make(turn)

    def _make(self, turn: Turn) -> None:
        self._owned = timers_by_owner(turn)
        self._heap: list[_Entry] = []
        self._aside: list[_Entry] = []
        if self._owned:
            for owner, timers in self._owned.items():
                self._add(owner, timers)

    def _add(self, owner: Owner, timers: Sequence[Timer]) -> None:
        for timer in timers:
            self._number += 1
            heappush(self._heap, (timer.order, self._number, owner, timer))

    def follow(self, turn: Turn) -> None:
        """Take what a step has made of the turn that the agenda is about."""
        before, self._turn = self._turn, turn
        was, now = before.customer, turn.customer
        if not was.accounts or not now.accounts or was.state.silences != now.state.silences:
            self._make(turn)
            return
        cases, accounts = turn.stirred[len(before.stirred) :], turn.touched[len(before.touched) :]
        if accounts:
            cases += self._follow_accounts(accounts, was, now)
        for login_id in {*cases}:
            self._own((login_id, True), of_case(turn, login_id, now.logins.get(login_id)))

    def _follow_accounts(self, account_ids: tuple[str, ...], was: Customer, now: Customer) -> tuple[str, ...]:
        """Take what became of accounts, and give the logins that they belonged and belong to."""
        logins: list[str] = []
        for account_id in {*account_ids}:
            known, account = was.accounts.get(account_id), now.accounts.get(account_id)
            self._own((account_id, False), of_account(self._turn, account_id, account))
            logins += [one.login_id for one in (known, account) if one is not None and one.login_id is not None]
        return tuple(logins)

    def _own(self, owner: Owner, timers: Sequence[Timer]) -> None:
        known = self._owned.get(owner, NONE)
        if timers is not known and timers != known:
            self._owned[owner] = timers
            self._add(owner, timers)

    def due_at_its_time(self) -> frozenset[Order]:
        """Give the order of each timer that is due at the very time of the turn."""
        at = self._turn.at
        if not self._heap or self._heap[0][0][0] > at:
            return NOBODY
        return frozenset(timer.order for timers in self._owned.values() for timer in timers if timer.due == at)

    def first(self, waiting: Collection[Order] = NOBODY) -> Timer | None:
        """Give the timer that is to fire next, apart from those that wait."""
        while self._aside and not waiting:
            heappush(self._heap, self._aside.pop())
        while self._heap:
            order, _, owner, timer = self._heap[0]
            if timer not in self._owned[owner]:
                heappop(self._heap)
            elif order in waiting:
                self._aside.append(heappop(self._heap))
            else:
                return timer
        return None
