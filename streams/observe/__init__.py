"""What the processes tell about themselves: metrics, health and readiness."""
