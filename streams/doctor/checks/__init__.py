"""The checks, a module for each family; each gives findings, and raises what Kafka's clients raise."""
