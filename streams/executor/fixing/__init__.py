"""From a command to a session at the vendor: is it open, may it be tried again, and where does it lead."""
