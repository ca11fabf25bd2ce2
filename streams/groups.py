"""Groups of commands that say what may be meant by one that is not there."""

from difflib import get_close_matches

import click


class Commands(click.Group):
    """A group of commands; a name that is like none of them ends as in any group.

    Click does the same for options, for commands from 8.4 on, of which the present Faust wants none.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; see click."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError as error:
            if near := get_close_matches(args[0], self.list_commands(ctx)):
                error.message += f" Did you mean {' or '.join(repr(one) for one in near)}?"
            raise
