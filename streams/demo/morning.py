"""The first part: eighteen customers, an agent that is killed, and a body that is none."""

import asyncio
import hashlib
from collections.abc import Sequence
from functools import singledispatchmethod

import httpx

from streams.demo.reading.seen import Heard
from streams.demo.scene import Scene
from streams.demo.stage.partner import SECRET
from streams.demo.stage.processes import DemoError
from streams.demo.story import BANK_NAMES, PEOPLE, STORY, Codes, Kill, Person, Poison, Step
from streams.demo.telling.table import Posted, SetAside
from streams.signatures import CONNECT_HEADER, connect_signature

PACE_SECONDS = 0.25
"""Between two steps where somebody watches; none before a kill, which is to come in the middle of the work."""


class Morning:
    """Plays the first part; to be prepared before."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._codes: dict[str, int] = {}
        self._restarts: list[asyncio.Task[None]] = []

    async def prepare(self) -> None:
        """Enrol everybody, connect their banks, and subscribe. Raises DemoError when the sandbox gives other ids."""
        scene = self._scene
        for name in BANK_NAMES:
            await scene.partner.add_bank(name)
        for person in PEOPLE:
            await self._enrol(person)
        accounts = [(person.customer, account) for person in PEOPLE for account in person.accounts]
        await scene.subscribe(accounts, len(accounts))
        scene.board.tell(
            f"txpush subscribe: {len(accounts)} accounts", "subscribed; their signing keys are kept, sealed"
        )

    async def play(self) -> None:
        """Do every step of the story, and wait for the workers that were killed."""
        try:
            for step in STORY:
                if self._scene.display.is_live and not isinstance(step, Kill):
                    await asyncio.sleep(PACE_SECONDS)
                await self._do(step)
            await asyncio.gather(*self._restarts)
        finally:
            for task in self._restarts:
                task.cancel()

    async def _enrol(self, person: Person) -> None:
        partner = self._scene.partner
        customer = await partner.enrol(f"customer-{person.customer}")
        openings = [
            {"name": person.name(account), "number": person.number(account), "balance": person.balance(account)}
            for account in person.accounts
        ]
        accounts = await partner.add_login(customer, person.bank, openings)
        if (customer, tuple(accounts)) != (person.customer, person.accounts):
            raise DemoError(f"The sandbox gave the ids {customer}, {accounts}, and the story is written for others.")

    @singledispatchmethod
    async def _do(self, step: Step) -> None:
        raise TypeError(f"the story has a step that nobody can do: {step!r}")

    @_do.register
    async def _have_codes(self, step: Codes) -> None:
        scene, since = self._scene, len(self._scene.seen.heard)
        for account, code in step.codes.items():
            await scene.partner.set_trouble(account, code)
        if step.copies > 1:
            await scene.partner.set_fault("duplicated", times=1, copies=step.copies)
        refreshed = [await scene.partner.refresh(person.customer) for person in step.people]
        news = self._news({one["id"]: one["aggregationStatusCode"] for accounts in refreshed for one in accounts})

        def is_whole(heard: Sequence[Heard]) -> bool:
            return {(one.account, one.code) for one in heard} >= news

        customers = {person.customer for person in step.people}
        first = await scene.hear(step.title, since, lambda one: one.customer in customers, is_whole)
        if step.copies > 1:
            await self._delivered_again(step, first)

    async def _delivered_again(self, step: Codes, first: Posted) -> None:
        """Give each further delivery of the same bytes a row."""
        scene = self._scene
        (event_id,) = first.event_ids
        await scene.until(lambda: len(scene.seen.places[event_id]) == step.copies, "the same body again")
        for delivery in range(1, step.copies):
            scene.board.entries.append(Posted(scene.board.now(), "the same body again", first.event_ids, delivery))

    def _news(self, codes: dict[str, int]) -> set[tuple[str, int]]:
        """Give what the vendor tells of a refresh: another code than before, or a success."""
        news = {(account, code) for account, code in codes.items() if code == 0 or self._codes.get(account) != code}
        self._codes.update(codes)
        return news

    @_do.register
    async def _poison(self, step: Poison) -> None:
        scene = self._scene
        scene.board.entries.append(SetAside(scene.board.now(), step.title, hashlib.sha256(step.body).hexdigest()))
        headers = {"content-type": "application/json", CONNECT_HEADER: connect_signature(SECRET, step.body)}
        answer = await scene.client.post(scene.cast.connect, content=step.body, headers=headers)
        if answer.status_code != httpx.codes.OK:
            raise DemoError(f"The bridge answered {answer.status_code} to a body that is none.")

    @_do.register
    async def _kill(self, step: Kill) -> None:
        scene = self._scene
        pid = scene.kill(step.worker)
        scene.board.tell(f"kill -9 {step.worker}", f"process {pid} is gone")
        self._restarts.append(asyncio.create_task(scene.back(scene.worker(step.worker))))


def secrets_of(people: Sequence[Person], story: Sequence[Step]) -> set[str]:
    """Give every name, number and balance of the first part."""
    poison = {secret for step in story if isinstance(step, Poison) for secret in step.secrets}
    return poison | {secret for person in people for secret in person.secrets}
