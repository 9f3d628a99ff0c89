"""Each of BioBlend's own tests passes on the embedded server, or stands in left_out.toml with its reason."""

from __future__ import annotations

import pytest

from perijove.testing import bioblend_suite
from perijove.testing.bioblend_suite import Result


@pytest.mark.parametrize("test", bioblend_suite.test_ids())
@pytest.mark.timeout(1000)  # the first one waits for the whole run
def test_passes_or_is_left_out(test: str, results: dict[str, Result], left_out: dict[str, str]) -> None:
    result = results[test]
    if test in left_out:
        assert result.outcome != "passed", "it passes: take it out of left_out.toml"
    else:
        assert result.outcome == "passed", f"{result.outcome}: {result.reason}"


def test_what_is_left_out_exists(left_out: dict[str, str]) -> None:
    assert set(left_out) <= set(bioblend_suite.test_ids())


def test_every_test_was_run(results: dict[str, Result]) -> None:
    assert set(results) == set(bioblend_suite.test_ids())
