"""The end that is none: everything goes on running, at the pace of the machine, for somebody to try."""

import asyncio

from streams.demo.expected import FINBANK_CUSTOMER
from streams.demo.play import metrics_of
from streams.demo.scene import LOOK_SECONDS, Scene
from streams.demo.stage.pace import AS_IT_IS
from streams.demo.story import GROWING
from streams.demo.telling.table import Posted
from streams.kafka.topics import EMBEDDED


async def pause(scene: Scene, asked: asyncio.Event) -> None:
    """Say where everything is, and show what comes until somebody asks to end."""
    scene.pace.go(AS_IT_IS)
    scene.board.status = "paused: everything runs, and time goes as it does; Ctrl-C ends it"
    for line in await addresses(scene):
        scene.display.say(line)
    told = len(scene.seen.heard)
    while not asked.is_set():
        for one in scene.seen.heard[told:]:
            title = f"{one.customer}: {one.type}" + ("" if one.code is None else f" {one.code}")
            scene.board.entries.append(Posted(scene.board.now(), title, (one.event_id,)))
        told = len(scene.seen.heard)
        await asyncio.sleep(LOOK_SECONDS)


async def addresses(scene: Scene) -> list[str]:
    """Give the lines that say where everything is."""
    command = scene.seen.last_of(GROWING.customer)
    page = await scene.partner.connect_link(FINBANK_CUSTOMER, scene.cast.connect)
    return [
        "",
        f"connect a bank as customer {FINBANK_CUSTOMER} (FinBank: tfa_text, tfa_multi, demo; password go):",
        f"  {page}",
        f"open the link of a command, as customer {GROWING.customer} (demo, password go), and see it completed:",
        f"  {'none came' if command is None else command.fix_url}",
        f"the sandbox's controls (streams/sandbox/README.md): {scene.cast.sandbox}/sandbox/truth",
        f"metrics: {metrics_of(scene)}",
        f"for commands as `txpush override show --customer {GROWING.customer}`, in another terminal first:",
        f"  export TXPUSH_BOOTSTRAP={scene.kafka.bootstrap} TXPUSH_PARTITIONS={EMBEDDED.partitions}",
        f"  export TXPUSH_CLOCK={scene.pace.file}  # the demo's own, days away from the machine's",
        "Ctrl-C ends it.",
        "",
    ]
