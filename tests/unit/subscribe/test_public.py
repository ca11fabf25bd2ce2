"""The public face of the kit: its names, and the example of its README."""

from pathlib import Path
from typing import Any

import streams.subscribe
import streams.subscribe.testing

README = Path(streams.subscribe.__file__).parent / "README.md"


def test_the_public_names_are_sorted_and_there() -> None:
    """What `__all__` says is what there is, in order."""
    for module in (streams.subscribe, streams.subscribe.testing):
        names = module.__all__
        assert names == sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
        assert [name for name in names if not hasattr(module, name)] == []
        assert len(names) == len(set(names))


async def test_the_test_in_the_readme() -> None:
    """The README's example of a user's test runs as it stands."""
    blocks = README.read_text().split("```python\n")[1:]
    code = next(block for block in blocks if "def test_" in block).partition("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the README's own code
    await names["test_a_repaired_login_is_not_mailed"]()
