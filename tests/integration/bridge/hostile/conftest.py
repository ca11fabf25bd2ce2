"""One broker and one bridge for all that is hostile."""

from collections.abc import Iterator

import pytest

from streams.kafka.embedded import EmbeddedKafka
from tests.integration.bridge.hostile.target import Target, create_topics, settings_on, target_with, until
from tests.unit.bridge.signed import KEYS


@pytest.fixture(scope="session")
def target(kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A bridge that knows the keys of two accounts."""
    settings = settings_on(kafka.bootstrap)
    create_topics(settings)
    with target_with(settings, tmp_path_factory.mktemp("hostile") / "log") as made:
        for account_id, key in KEYS.items():
            made.subscribe(account_id, key)
        until(lambda: made.post().status == 200)
        yield made


@pytest.fixture(autouse=True)
def _unhurt(target: Target) -> Iterator[None]:
    """After each test the bridge serves as before, has failed at nothing, and has not grown."""
    yield
    assert target.is_unhurt()
