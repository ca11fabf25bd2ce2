"""Whether what was decided is still what is written: proven, or each fault named; and how far, signed."""
