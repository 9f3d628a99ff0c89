"""A step that fails says which it was, why, and what to do."""

from __future__ import annotations

import io

import pytest
import requests
from rich.console import Console

from perijove.core.errors import ConflictError
from perijove.demo.steps import DemoError, Steps


@pytest.fixture
def steps() -> Steps:
    return Steps(Console(file=io.StringIO(), width=200))


def printed(steps: Steps) -> str:
    return steps.console.file.getvalue()


def test_a_step_is_timed_and_ticked(steps: Steps):
    with steps("sign up"):
        pass
    assert [name for name, took in steps.times if took >= 0] == ["sign up"]
    assert "✓ sign up" in printed(steps)


def test_a_failure_names_step_reason_and_advice(steps: Steps):
    with pytest.raises(DemoError) as caught, steps("open the lab"):
        raise ConflictError("No flavor is free.", advice="Stop a lab.")
    assert caught.value.message == "The step “open the lab” failed: No flavor is free."
    assert caught.value.advice == "Stop a lab."
    assert "✗ open the lab" in printed(steps)
    assert steps.times == []


def test_a_platform_that_is_away_is_told_as_such(steps: Steps):
    with pytest.raises(DemoError, match="did not answer") as caught, steps("sign in"):
        raise requests.ConnectionError("refused")
    assert caught.value.retry
