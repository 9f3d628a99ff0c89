"""An environment is whole, or it is known not to be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from perijove.environments.stamps import Stamp, begin, digest, finish, read_stamp

STAMP = Stamp(
    name="ai", variant="cpu", python="/usr/bin/python3", lock="abc", extras=("monai",), torch="2.13.0+cpu"
)


def test_a_finished_environment_has_its_stamp(tmp_path: Path) -> None:
    begin(tmp_path)
    finish(tmp_path, STAMP)
    assert read_stamp(tmp_path) == STAMP


def test_between_begin_and_finish_there_is_none(tmp_path: Path) -> None:
    begin(tmp_path)
    finish(tmp_path, STAMP)
    begin(tmp_path)
    assert read_stamp(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "ai"}', '{"name": 1, "strange": 2, "extras": []}'])
def test_a_damaged_stamp_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "perijove-environment.json").write_text(text)
    assert read_stamp(tmp_path) is None


def test_torch_and_our_own_package_do_not_count_as_other_packages() -> None:
    assert STAMP.same_packages(replace(STAMP, own="new", torch="", torch_absent_because="away"))
    assert not STAMP.same_packages(replace(STAMP, lock="other"))
    assert not STAMP.same_packages(replace(STAMP, extras=()))
    assert not STAMP.same_packages(None)


def test_another_python_or_variant_is_another_base() -> None:
    assert STAMP.same_base(replace(STAMP, lock="other"))
    assert not STAMP.same_base(replace(STAMP, python="/usr/bin/python3.12"))
    assert not STAMP.same_base(replace(STAMP, variant="gpu"))


def test_the_digest_depends_on_order_and_content(tmp_path: Path) -> None:
    one, two = tmp_path / "1", tmp_path / "2"
    one.write_text("a")
    two.write_text("b")
    assert digest(one, two) != digest(two, one)
    before = digest(one)
    one.write_text("c")
    assert digest(one) != before
