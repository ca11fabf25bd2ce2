"""From what was followed to a story in words; the only place that names anybody."""
