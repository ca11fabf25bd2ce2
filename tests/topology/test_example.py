"""The worked example of the README, as it stands there."""

import re
from pathlib import Path

import streams.testing

README = Path(streams.testing.__file__).with_name("README.md")


def test_the_example_of_the_readme_holds() -> None:
    """What users copy works."""
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    exec(compile(example, str(README), "exec"), {"__name__": "example"})  # noqa: S102 - our own text
