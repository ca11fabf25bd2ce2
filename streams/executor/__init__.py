"""The executor: opens customers' links at the vendor, and looks up what the agent asks for."""
