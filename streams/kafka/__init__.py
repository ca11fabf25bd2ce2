"""Kafka: topics, the idempotent producer and the embedded broker."""
