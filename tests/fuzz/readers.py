"""Every function of ours that reads bytes, found in its source, and which of them run while a decoder is fuzzed."""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from tests.fuzz.decoder import ROOT

PACKAGES = ("schemas", "streams")
READING = frozenset(
    {
        *("model_validate", "model_validate_json", "loads", "Decoder", "unpack", "unpack_from"),
        *("b64decode", "urlsafe_b64decode", "fromhex", "from_bytes", "fromisoformat", "parse_qs", "parse_qsl"),
        *("load_pem_private_key", "load_pem_public_key", "load_pem_x509_certificate", "load_pem_x509_certificates"),
        *("GzipFile", "read_text", "read_bytes", "stdin", "TomlConfigSettingsSource", "SecretsSettingsSource"),
    }
)
"""What reads, by its last name; besides, `decode` of what was not written the moment before, and numbers in text."""

Reader = tuple[str, str]
"""A function: its file below the root, and its qualified name."""


def readers() -> set[Reader]:
    """Give every function that reads, those included that call what was made to read at the top of their module."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {(str(path.relative_to(ROOT)), name) for path in paths for name in _readers_in(ast.parse(path.read_text()))}


def _readers_in(module: ast.Module) -> Iterator[str]:
    made = {
        target.id
        for statement in module.body
        if isinstance(statement, ast.Assign | ast.AnnAssign) and any(map(_reads, ast.walk(statement)))
        for target in ast.walk(statement)
        if isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
    }
    for name, function in _functions(module):
        nodes = list(_own(function))
        if any(_reads(node) or (isinstance(node, ast.Name) and node.id in made) for node in nodes):
            yield name


def _functions(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{within}{child.name}", child
            yield from _functions(child, f"{within}{child.name}.<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{within}{child.name}.")
        else:
            yield from _functions(child, within)


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """Give the nodes of a function, those of functions in it left out."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from _own(child)


def _reads(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute | ast.Name):
        return (node.attr if isinstance(node, ast.Attribute) else node.id) in READING
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr == "decode":
        return not isinstance(node.func.value, ast.Call)
    is_number = isinstance(node.func, ast.Name) and node.func.id in {"int", "float"}
    return is_number and bool(node.args) and isinstance(node.args[0], ast.Subscript | ast.Name)


def running(work: Callable[[], None]) -> set[Reader]:
    """Give the functions of ours that run while something is done."""
    seen = set()

    def entered(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(entered)
    try:
        work()
    finally:
        sys.setprofile(before)
    return {
        (str(path.relative_to(ROOT)), code.co_qualname)
        for code in seen
        if (path := Path(code.co_filename)).is_relative_to(ROOT)
    }
