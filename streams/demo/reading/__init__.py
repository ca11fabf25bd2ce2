"""What an independent reader finds on the topics."""
