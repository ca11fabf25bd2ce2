"""The demo: real processes on one machine, real-shaped notifications, and a verdict on what came of them."""
