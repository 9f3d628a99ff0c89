"""Packages that an administrator added."""

from __future__ import annotations

from pathlib import Path

import pytest

from perijove.core.errors import BadRequestError
from perijove.environments.extras import read_extras, with_added, with_removed, write_extras


def test_nothing_added_is_nothing(tmp_path: Path) -> None:
    assert read_extras(tmp_path, "ai") == ()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_extras(tmp_path, "ai", ("monai>=1.6", "nilearn"))
    assert read_extras(tmp_path, "ai") == ("monai>=1.6", "nilearn")
    assert read_extras(tmp_path, "lab") == ()


def test_the_same_name_is_kept_once_and_the_later_wins() -> None:
    assert with_added(("monai",), ["Monai>=1.6", "nilearn"]) == ("Monai>=1.6", "nilearn")


@pytest.mark.parametrize("text", ["", "--index-url=x", "-e .", "a b", "../wheel.whl", "a; rm -rf /", "a\nb"])
def test_what_names_no_package_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        with_added((), [text])


@pytest.mark.parametrize("text", ["monai", "monai[all]", "monai==1.6", "x @ https://e.org/x.whl", "a>=1,<2"])
def test_what_pip_takes_is_taken(text: str) -> None:
    assert with_added((), [text]) == (text,)


def test_only_what_was_added_can_be_removed() -> None:
    assert with_removed(("monai>=1.6", "nilearn"), ["Monai"]) == ("nilearn",)
    with pytest.raises(BadRequestError, match="Never added: numpy"):
        with_removed(("monai",), ["numpy"])
