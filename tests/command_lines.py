"""Command lines of `txpush` as texts show them, held against the commands as they are: names, options, arguments."""

import re
import shlex
from collections.abc import Iterator

import click

from streams.cli import txpush

_NAMED = re.compile(r"`((?:[A-Z_]+=\S+ )*txpush(?: [^`]+)?)`")
_PASTED = re.compile(
    r"(?:^    |&& |\| |\$\(|-- |; )(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?(txpush (?![^|]*\N{BLACK RIGHT-POINTING TRIANGLE})"
    r"[a-z](?:(?! \d>)[^|>;)#&])*)"
)
_SETTING = re.compile(r"[A-Z_]+=")


def named(text: str) -> list[str]:
    """Give the commands that prose names between backticks; a line may break within one."""
    return [" ".join(found.split()) for found in _NAMED.findall(re.sub(r"\n\s*", " ", text))]


def pasted(text: str) -> Iterator[str]:
    """Give the commands of indented blocks, which are to be pasted, without comments and what stands around them."""
    for line in text.splitlines():
        if line.startswith("    "):
            yield from (found.strip() for found in _PASTED.findall(line))


def fault(line: str, *, is_whole: bool = False) -> str:
    """Say why a command line could not be typed; "" where it could.

    `is_whole` asks for what the command requires, too; prose may leave it out.
    """
    words = [word for word in shlex.split(line) if not _SETTING.match(word)]
    command: click.Command = txpush
    context = click.Context(txpush, info_name="txpush")
    rest = words[1:]
    try:
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            if rest[0].isupper():
                return ""
            found = command.get_command(context, rest[0])
            if found is None:
                return f"no such command: {rest[0]}"
            command, rest = found, rest[1:]
            context = click.Context(command, info_name=command.name, parent=context)
        return _of_options(command, context, rest, is_whole=is_whole)
    except click.UsageError as error:
        return error.format_message()


def _of_options(command: click.Command, context: click.Context, rest: list[str], *, is_whole: bool) -> str:
    given, left, _ = command.make_parser(context).parse_args(list(rest))
    if left:
        return f"too much: {left}"
    for parameter in command.get_params(context):
        value = given.get(parameter.name or "")
        is_given = isinstance(value, (str, list, tuple, bool)) and value not in ([], ())
        if is_whole and parameter.required and not is_given:
            return f"lacks {parameter.opts[0]}"
        if isinstance(parameter.type, click.Choice):
            for one in value if isinstance(value, (list, tuple)) else [value] if isinstance(value, str) else []:
                parameter.type.convert(one, parameter, context)
    return ""
