"""Amounts of a machine."""

from __future__ import annotations

import pytest

from perijove.core.resources import Free, Resources, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("8G", 8 * 2**30), ("512 MiB", 512 * 2**20), ("1.5k", 1536), (7, 7), ("0", 0), ("2TB", 2 * 2**40)],
)
def test_sizes_are_read(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", "1 GG", "8 gigabytes", "1e9", "NaN"])
def test_what_is_no_size_is_refused_with_what_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 8G"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1536, "1.5 KiB"), (8 * 2**30, "8 GiB"), (2**41, "2.0 TiB")]
)
def test_sizes_are_shown(size: int, text: str) -> None:
    assert format_size(size) == text


def test_everything_must_fit() -> None:
    free = Free(cpus=2, memory=2**30, gpus=0)
    assert Resources(cpus=2, memory=2**30).fits_in(free)
    assert not Resources(cpus=2.5, memory=2**30).fits_in(free)
    assert not Resources(cpus=1, memory=2**31).fits_in(free)
    assert not Resources(cpus=1, memory=1, gpus=1).fits_in(free)


def test_thirds_of_a_cpu_add_up() -> None:
    free = Free(cpus=1, memory=3, gpus=0)
    third = Resources(cpus=1 / 3, memory=1)
    assert third.fits_in(free.minus(third).minus(third))


def test_an_over_committed_machine_has_less_than_nothing() -> None:
    assert Free(cpus=1, memory=1, gpus=0).minus(Resources(cpus=2, memory=2, gpus=1)).gpus == -1


def test_in_words() -> None:
    assert str(Resources(cpus=1, memory=2**31)) == "1 CPU, 2 GiB"
    assert str(Resources(cpus=0.5, memory=2**31, gpus=2)) == "0.5 CPUs, 2 GiB, 2 GPUs"
