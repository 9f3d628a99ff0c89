"""Settings as text."""

from __future__ import annotations

import tomllib

from perijove.cli.describe import described, reference_page, sample_file
from perijove.core.settings import Settings


def uncommented(text: str) -> str:
    """The sample with its settings switched on, those without a default left out."""
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    return "\n".join(
        line
        for line in lines
        if line.startswith("[") or (" = " in line and "…" not in line and ": " not in line.split(" = ")[0])
    )


def test_the_sample_is_valid_and_says_the_defaults() -> None:
    values = tomllib.loads(uncommented(sample_file()))
    flavors = values.pop("flavors")
    assert Settings(**values, flavors=flavors).model_copy(update={"flavors": ()}) == Settings()


def test_every_setting_is_described() -> None:
    settings = list(described())
    assert len(settings) > 20
    assert all(setting.description for setting in settings)
    page = reference_page()
    assert all(f"`{setting.variable}`" in page for setting in settings)


def test_sizes_are_called_sizes() -> None:
    kinds = {(setting.section, setting.name): setting.kind for setting in described()}
    assert kinds["machine", "memory"] == kinds["histories", "quota"] == "size"
    assert kinds["", "port"] == "integer"
    assert kinds["sandbox", "network"] == "`open` or `none`"
