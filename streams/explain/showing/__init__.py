"""A story as it is shown: on a terminal or into a pipe, and as a page."""
