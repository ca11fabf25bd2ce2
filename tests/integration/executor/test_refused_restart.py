"""An executor that starts again with credentials the vendor refused before: it knows so by itself."""

import uuid
from pathlib import Path

import pytest

from streams.kafka.embedded import EmbeddedKafka
from tests.integration.executor.executing import Log, executor, new_command, wait_for
from tests.integration.executor.vendor import standing
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.kafka]
REFUSED = "the vendor refused the credentials"


def test_a_refused_pair_after_a_restart(broker: EmbeddedKafka, tmp_path: Path) -> None:
    """Never ready, with the reason, before anybody presses a button; the vendor is not asked again."""
    secret, command = f"wrong-{uuid.uuid4()}", new_command()
    Log(broker.bootstrap).command(command)
    with standing() as vendor:
        vendor.accepts = False
        with executor(broker.bootstrap, vendor, tmp_path / "log", PARTNER_SECRETS=secret) as running:
            wait_for(lambda: running.press(command).status_code == 503 and REFUSED in running.page("readyz"))
        with executor(broker.bootstrap, vendor, tmp_path / "log", PARTNER_SECRETS=secret) as running:
            status, text = wait_until(
                lambda: running.ask("readyz"), lambda answer: answer[0] != 503 or REFUSED in answer[1]
            )
            assert (status, REFUSED in text) == (503, True)
        assert vendor.count("partners/authentication") == 1
