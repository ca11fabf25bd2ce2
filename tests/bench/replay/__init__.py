"""How fast a log is replayed: one that the agent has drained, and ones of any size that are made without Kafka."""
