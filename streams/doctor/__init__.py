"""`txpush doctor`: what is wrong with an environment, and what to do; it looks, and changes nothing."""
