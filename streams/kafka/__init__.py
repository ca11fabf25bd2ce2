"""Kafka: topics and the rights on them, the idempotent producer, views of topics, and the embedded broker."""
