"""What would have happened under another policy: commands held against those that went out, and the figures of both."""
