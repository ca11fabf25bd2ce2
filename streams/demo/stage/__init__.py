"""What the demo is played on: processes, their one clock, the partner's app, and a person who presses buttons."""
