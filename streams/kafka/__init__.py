"""Kafka: topics, the exactly-once lane and the embedded broker."""
