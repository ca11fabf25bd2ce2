"""The links of a chain: each is the hash of the decision before, and where one does not fit it is told why."""

from streams.audit.faults import Fault, Kind
from streams.audit.plan import Mark
from streams.audit.walking.decisions import Decision
from streams.audit.walking.tries import mended
from streams.fold.chain import sha256_hex
from streams.history import Place
from streams.kafka.topics import AUDIT


class Links:
    """Takes the decisions of one chain in order.

    Args:
        log: the partition of the log that is decided on.
        head: the hash of the last decision before; None where the first that comes is to be believed.
        firsts: what the very first may go on from.
        must_begin: the first that comes has to be the very first.
    """

    def __init__(self, log: Place, head: str | None, firsts: frozenset[str], *, must_begin: bool) -> None:
        self.head = head
        self._must_begin = must_begin
        self._log = log
        self._firsts = firsts
        self._audit = Place(AUDIT, log.partition)
        self._last: Decision | None = None
        self._before: str | None = None
        """The head before the last decision."""

    def take(self, decision: Decision, following: Decision | None) -> Fault | None:
        """Go on to the next decision, and give what is wrong with it.

        One that was inserted is passed by, and so is one that was swapped with the next: that one goes first.
        """
        if self._goes_on(decision):
            return self._go_on(decision, None)
        kind, at, text = self._told(decision, following)
        fault = Fault(kind, self._audit, at, f"{text} (decisions on {self._log})")
        is_not_next = kind is Kind.SWAPPED or (kind is Kind.FORGED and at == decision.at)
        return fault if is_not_next else self._go_on(decision, fault)

    def _goes_on(self, decision: Decision) -> bool:
        if self.head is None:
            return decision.previous in self._firsts or not self._must_begin
        return decision.previous == self.head

    def _go_on(self, decision: Decision, fault: Fault | None) -> Fault | None:
        self._before, self.head, self._last = self.head, decision.hash, decision
        return fault

    def _told(self, decision: Decision, following: Decision | None) -> tuple[Kind, int, str]:
        """Say what explains a link that does not fit."""
        if following is not None and self._goes_on(following):
            if following.hash == decision.previous:
                return Kind.SWAPPED, decision.at, f"the decision was swapped with the one at {following.at}"
            return Kind.FORGED, decision.at, "a decision was inserted: those around it know nothing of it"
        if following is not None and self._fits(decision, following):
            return Kind.CHANGED, decision.at, "the decision was changed: its link to the one before is another"
        return self._told_by_the_last(decision)

    def _told_by_the_last(self, decision: Decision) -> tuple[Kind, int, str]:
        last = self._last
        if last is not None and decision.previous == self._before:
            return Kind.FORGED, last.at, "a decision was inserted: the one behind it knows nothing of it"
        if last is not None and (what := mended(last.value, decision.previous)):
            return Kind.CHANGED, last.at, f"the decision was changed: with {what} it is what the next one has hashed"
        if last is None and decision.previous in self._firsts:
            return Kind.REWRITTEN, decision.at, "the chain begins anew here, and it had begun before"
        goes_on = "does not go on from the one before"
        if self.head is None:
            goes_on = "is not the first of this log, and there is none before it"
        lost = "decisions were removed or changed in front of it, or the chain was rewritten up to here"
        return Kind.MISSING, decision.at, f"the decision {goes_on}: {lost}"

    def _fits(self, decision: Decision, following: Decision) -> bool:
        """Tell whether a decision is what the next one has hashed, once its own link is put right."""
        heads = self._firsts if self.head is None else (self.head,)
        own = decision.previous.encode()
        return any(following.previous == sha256_hex((decision.value.replace(own, head.encode()),)) for head in heads)

    def agrees(self, mark: Mark) -> bool:
        """Tell whether a mark knows the chain as it is; where there is no decision yet, by its name."""
        return mark.head in self._firsts if self.head is None else mark.head == self.head

    def disagreement(self, mark: Mark, agreed: Mark | None) -> Fault:
        """Say what it means that the chain is not what a mark knows."""
        last = self._last
        if last is not None and (what := mended(last.value, mark.head)):
            text = f"the decision was changed: with {what} it is what {mark.named} knows (decisions on {self._log})"
            return Fault(Kind.CHANGED, self._audit, last.at, text)
        since = "the beginning" if agreed is None else f"offset {agreed.next_offset}"
        text = (
            f"the chain is not the one of {mark.named}: between {since} and offset {mark.next_offset} decisions were "
            "removed, or the chain was rewritten"
        )
        return Fault(Kind.REWRITTEN, self._log, mark.next_offset, text)
