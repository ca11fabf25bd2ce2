"""What came back for messages: reports of services, sessions that their links began, answers to look-ups."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from schemas.events import AccountSnapshot, CommandReported, ConnectEvent, Event, Source
from streams.explain.following.steps import Step
from streams.explain.names import Names
from streams.explain.reading.kept import Kept, Letter, Message
from streams.explain.story import CameBack
from streams.explain.wording.words import code_said
from streams.kafka.topics import LOOKUP


@dataclass(slots=True)
class Answers:
    """What came back, by the id of the message that it is about; steps are taken in order."""

    names: Names
    found: dict[str, list[CameBack]] = field(default_factory=dict)
    _latest: dict[str, Message] = field(default_factory=dict)
    """By command its latest message, the latest contact where there was one."""
    _lookups: list[Message] = field(default_factory=list)

    @classmethod
    def of(cls, steps: Iterable[Step], kept: Kept, names: Names) -> "Answers":
        """Match all that came back."""
        answers = cls(names)
        for step in steps:
            answers.take(step)
        for letter in kept.letters:
            answers.take_letter(letter)
        return answers

    def take(self, step: Step) -> None:
        """Take what a record says of messages before it, then what was sent because of it."""
        if step.event is not None:
            self._hear(step, step.event)
        for message in step.sent:
            if message.topic == LOOKUP:
                self._lookups.append(message)
            elif message.command_id is not None and self._is_later(message):
                self._latest[message.command_id] = message

    def _is_later(self, message: Message) -> bool:
        known = self._latest.get(message.command_id or "")
        return known is None or message.is_contact or not known.is_contact

    def _hear(self, step: Step, event: Event) -> None:
        data = event.data
        if isinstance(data, CommandReported):
            reference = "" if not data.reference else f", reference {self.names.text(data.reference)}"
            self._of_command(data.command_id, step, event, f"{data.report}{reference}")
        elif isinstance(data, ConnectEvent) and data.webhook_data is not None:
            self._of_command(data.webhook_data.command_id, step, event, f"Data Connect: {data.event_type}")
        elif isinstance(data, AccountSnapshot) and event.source == Source.EXECUTOR:
            self._of_lookup(step, event, data)

    def _of_command(self, command_id: str, step: Step, event: Event, says: str) -> None:
        if (message := self._latest.get(command_id)) is not None:
            self._add(message.id, CameBack(at=step.at, says=says, event_id=self.names.event(event.id)))

    def _of_lookup(self, step: Step, event: Event, data: AccountSnapshot) -> None:
        asked = [one for one in self._lookups if _asks(one, data)]
        if asked:
            code = code_said(data.aggregation_status_code, step.scene.rules.catalogue)
            says = f"account {self.names.account(data.account_id)}: {code}"
            self._add(asked[-1].id, CameBack(at=step.at, says=says, event_id=self.names.event(event.id)))

    def take_letter(self, letter: Letter) -> None:
        """Take a look-up that nobody could answer."""
        for message in self._lookups:
            if message.place == letter.letter.origin:
                says = f"nobody could answer it: {letter.letter.reason}"
                self._add(message.id, CameBack(at=letter.written_at, says=says))

    def _add(self, message_id: str, back: CameBack) -> None:
        self.found.setdefault(message_id, []).append(back)

    def to(self, message_id: str) -> Sequence[CameBack]:
        """Give what came back for a message."""
        return self.found.get(message_id, ())


def _asks(lookup: Message, data: AccountSnapshot) -> bool:
    is_of_login = lookup.login_id is not None and lookup.login_id == data.institution_login_id
    return is_of_login or data.account_id in lookup.account_ids
