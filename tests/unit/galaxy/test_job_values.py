"""The parameters of the code, as people write them and as Galaxy hands them on."""

from __future__ import annotations

import pytest

from perijove_lab.galaxy.job import values
from perijove_lab.runner.errors import SpecError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ('{"epochs": 3, "deep": {"a": [1, null, true]}}', {"epochs": 3, "deep": {"a": [1, None, True]}}),
        # Galaxy 26.1 decodes JSON in a workflow step's text, and writes it again as Python does.
        ("{'epochs': 3, 'deep': {'a': [1, None, True]}}", {"epochs": 3, "deep": {"a": [1, None, True]}}),
        ("{'name': \"it's\"}", {"name": "it's"}),
    ],
)
def test_values(text: str, found: dict) -> None:
    assert values(text) == found


@pytest.mark.parametrize(
    "text", ["{epochs: 3}", "3", "[1]", "{'a': {1, 2}}", "{'a': __import__('os')}", "{'a': 1e999}", "(" * 300]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(SpecError, match="parameters are no"):
        values(text)
