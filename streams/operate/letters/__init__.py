"""`txpush dead-letter`: what was set aside, why, and putting it back once it can be decided on."""
