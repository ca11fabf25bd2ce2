"""Where messages come from: a Kafka consumer group, or a list in a test."""
