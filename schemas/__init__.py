"""What other programs see: events, commands, health, audit, the catalogue of codes, the policy, and the state."""
