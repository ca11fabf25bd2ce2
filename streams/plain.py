"""Text that others have written, for a terminal or a line: nothing in it moves a cursor or ends the line."""


def plain(text: str) -> str:
    """Replace what cannot be printed."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
