"""Where requests come from: whose notifications are taken, and who fails too often to be looked at."""
