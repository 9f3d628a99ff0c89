from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from perijove_lab.runner.export import arrays, arrays_read
from perijove_lab.runner.export.inputs import InputArrays, InputFile
from perijove_lab.runner.export.unsaveable import UnsaveableError

Write = Callable[..., arrays.ArrayFile]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_all(**variables: Any) -> arrays.ArrayFile:
        file = arrays.ArrayFile(tmp_path / "arrays.h5", InputArrays(()))
        for name, value in variables.items():
            file.add(name, value)
        file.close(keep=True)
        return file

    return write_all


@pytest.fixture
def there_and_back(write: Write) -> Callable[[Any], Any]:
    def round_trip(value: Any) -> Any:
        return arrays_read.read(write(x=value).path, "x")

    return round_trip


@pytest.mark.parametrize(
    "value",
    [
        np.arange(24, dtype="f4").reshape(2, 3, 4),
        np.arange(24).reshape(4, 6)[:, ::2],
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.array(3.5),
        np.zeros((0, 5)),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.array([1.5], dtype="f2"),
        np.arange(5, dtype=">i4"),
        np.array(["a", "üß", ""]),
        np.array([b"a", b"bc"]),
        np.array(["2024-01-01", "NaT"], dtype="M8[ns]"),
        np.array([5, 7], dtype="m8[s]"),
        np.array([(1, 2.5)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array(["text", "other"], dtype=object),
        np.array([1, None, "x"], dtype=object),
    ],
    ids=lambda value: str(value.dtype) + str(value.shape),
)
def test_arrays_come_back(there_and_back: Callable[[Any], Any], value: Any) -> None:
    back = there_and_back(value)
    assert back.dtype == value.dtype
    assert back.shape == value.shape
    equal = (back == value) | (back != back) if value.dtype.kind in "fM" else back == value
    assert np.all(equal)


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            False,
            0,
            -5,
            2**70,
            1.5,
            math.inf,
            1 + 2j,
            "",
            "üñ\n",
            "nul\0",
            "\ud800",
            b"\0\xff",
            b"",
        ),
        *([1, 2, 3], [1.5, 2.5], [[1, 2], [3, 4]], [], (), (1, "a", None), ["a", "b"], [[1], [2, 3]]),
        *([True, False], {"a"}, range(3), range(10, 0, -2), range(0), [None, None], [{"a": 1}, {"b": [1.5]}]),
        *({}, {"a": 1, "b": [1, 2], "c": {"d": "e"}}, {"a/b": 1, ".": 2, "": 3, "%": 4, "#0": 5}),
        *({1: "one", (2, 3): "two"}, OrderedDict(z=1, a=2), [[], [1]]),
        *(
            datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
            date(2024, 5, 6),
            time(1, 2, 3),
            timedelta(days=1, seconds=2.5),
        ),
        *(Decimal("1.10"), Path("a/b")),
    ],
    ids=lambda value: repr(value)[:40].encode("ascii", "backslashreplace").decode(),
)
def test_python_values_come_back(there_and_back: Callable[[Any], Any], value: Any) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is (dict if isinstance(value, dict) else type(value))


def test_numpy_scalars_keep_their_type(there_and_back: Callable[[Any], Any]) -> None:
    back = there_and_back(np.float32(1.5))
    assert (back, back.dtype) == (np.float32(1.5), np.dtype("f4"))
    assert isinstance(there_and_back(np.str_("ü")), str)


def test_lists_of_arrays_and_nested_dicts(there_and_back: Callable[[Any], Any]) -> None:
    back = there_and_back({"layers": [np.ones(3), np.zeros((2, 2))], "n": 2})
    assert np.array_equal(back["layers"][1], np.zeros((2, 2)))
    assert back["n"] == 2


def test_masked_arrays(there_and_back: Callable[[Any], Any]) -> None:
    back = there_and_back(np.ma.MaskedArray([1, 2, 3], mask=[0, 1, 0]))
    assert back.tolist() == [1, None, 3]


def test_names_stay_in_order_and_are_plain_hdf5(write: Write) -> None:
    file = write(z=np.ones(3), a="text", ünicode=[1, 2])
    assert arrays_read.names(file.path) == ["z", "a", "ünicode"]
    with h5py.File(file.path) as plain:
        assert plain.attrs["format"] == "perijove-arrays"
        assert plain["z"][...].tolist() == [1, 1, 1]
        assert dict(plain["z"].attrs) == {"type": "array", "framework": "numpy", "dtype": "float64"}


def test_what_cannot_be_saved_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    file = arrays.ArrayFile(tmp_path / "arrays.h5", InputArrays(()))
    cycle: list[Any] = []
    cycle.append(cycle)
    for name, value in {"o": object(), "c": cycle, "l": [object(), object()], "d": {"a": object()}}.items():
        with pytest.raises(UnsaveableError):
            file.add(name, value)
    file.add("good", 1)
    file.close(keep=True)
    assert arrays_read.read(file.path) == {"good": 1}
    assert list(tmp_path.iterdir()) == [file.path]


def test_a_container_loses_only_what_cannot_be_saved(write: Write) -> None:
    file = write(d={"a": 1, "lock": object(), "b": [2, object()]})
    assert [(name, kind) for name, kind, _ in file.left_out] == [("d['lock']", "object"), ("d[1]", "object")]
    assert arrays_read.read(file.path, "d") == {"a": 1, "lock": None, "b": [2, None]}


def test_a_big_dict_of_plain_values_is_one_text(write: Write) -> None:
    value = {f"k{number}": number for number in range(5000)}
    file = write(d=value)
    with h5py.File(file.path) as plain:
        assert isinstance(plain["d"], h5py.Dataset)
    assert arrays_read.read(file.path, "d") == value


def test_a_dropped_file_leaves_nothing(tmp_path: Path) -> None:
    arrays.ArrayFile(tmp_path / "arrays.h5", InputArrays(())).close(keep=False)
    assert list(tmp_path.iterdir()) == []


def test_no_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = arrays.ArrayFile(tmp_path / "arrays.h5", InputArrays(()))
    monkeypatch.setattr(arrays, "_SPARE", 1 << 60)
    with pytest.raises(UnsaveableError, match="no room"):
        file.add("x", np.ones(10))
    file.close(keep=False)


@pytest.fixture
def inputs(tmp_path: Path) -> InputArrays:
    with h5py.File(tmp_path / "ct.h5", "w") as file:
        file["train/x"] = np.arange(10.0)
        file["train/y"] = np.array([np.nan, 1.0])
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    (tmp_path / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\ntruncated")
    names = ("ct.h5", "a.npy", "bad.h5", "none.h5")
    return InputArrays(tuple(InputFile(path=f"data/{name}", file=str(tmp_path / name)) for name in names))


def test_inputs_are_not_written_again(tmp_path: Path, inputs: InputArrays) -> None:
    file = arrays.ArrayFile(tmp_path / "arrays.h5", inputs)
    came = {}
    for name, value in {
        "x": np.arange(10.0),
        "nan": np.array([np.nan, 1.0]),
        "npy": np.arange(6).reshape(2, 3),
        "changed": np.arange(10.0) + 1e-9,
        "other_type": np.arange(10.0, dtype="f4"),
    }.items():
        try:
            file.add(name, value)
        except arrays.CameFromInputError as origin:
            came[name] = (origin.input_path, origin.dataset)
    file.close(keep=True)
    inputs.close()
    assert came == {
        "x": ("data/ct.h5", "train/x"),
        "nan": ("data/ct.h5", "train/y"),
        "npy": ("data/a.npy", ""),
    }
    assert arrays_read.names(file.path) == ["changed", "other_type"]
