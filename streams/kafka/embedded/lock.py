"""Writes `jars.lock.json`: `python -m streams.kafka.embedded.lock`, only when the Kafka version is changed."""

import hashlib
import json
from pathlib import Path

import jgo

LOCK_PATH = Path(__file__).with_name("jars.lock.json")
KAFKA_VERSION = "4.3.1"
LOG4J_VERSION = "2.25.3"
# kafka-clients is named although kafka_2.13 needs it: the mediation takes an older one otherwise, and the broker dies.
ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.kafka:kafka-clients:{KAFKA_VERSION}",
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}",
    f"org.apache.logging.log4j:log4j-core:{LOG4J_VERSION}",
)


def resolved_lock() -> dict[str, object]:
    """Resolve the roots with all they need, download every archive and describe it by size in bytes and SHA-256."""
    artifacts = []
    for artifact in jgo.resolve("+".join(ROOTS)):
        content = artifact.resolve().read_bytes()
        artifacts.append(
            {
                "coordinate": f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}",
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        )
    return {"kafka": KAFKA_VERSION, "artifacts": sorted(artifacts, key=lambda entry: str(entry["coordinate"]))}


if __name__ == "__main__":
    LOCK_PATH.write_text(json.dumps(resolved_lock(), indent=1) + "\n")
