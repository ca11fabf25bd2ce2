"""An executor that starts again with credentials the vendor refused before: it knows so by itself."""

import asyncio
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from streams.kafka import topics
from streams.kafka.embedded import EmbeddedKafka
from tests.integration.executing import Log, executor, new_command, wait_for
from tests.integration.vendor import standing
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka
REFUSED = "the vendor refused the credentials"


@pytest.fixture
def broker() -> Iterator[str]:
    """A broker with the topics of the contract."""
    with EmbeddedKafka() as kafka:
        asyncio.run(topics.apply(kafka.bootstrap, topics.EMBEDDED))
        yield kafka.bootstrap


def test_a_refused_pair_after_a_restart(broker: str, tmp_path: Path) -> None:
    """Never ready, with the reason, before anybody presses a button; the vendor is not asked again."""
    secret, command = f"wrong-{uuid.uuid4()}", new_command()
    Log(broker).command(command)
    with standing() as vendor:
        vendor.accepts = False
        with executor(broker, vendor, tmp_path / "log", secret) as running:
            wait_for(lambda: running.press(command).status_code == 503 and REFUSED in running.admin_page("readyz").text)
        with executor(broker, vendor, tmp_path / "log", secret) as running:
            answer = wait_until(
                partial(running.admin_page, "readyz"), lambda page: page.status_code != 503 or REFUSED in page.text
            )
            assert (answer.status_code, REFUSED in answer.text) == (503, True)
        assert vendor.count("partners/authentication") == 1
