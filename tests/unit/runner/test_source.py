from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from perijove_lab.runner import source
from perijove_lab.runner.errors import SpecError
from perijove_lab.runner.spec import JobSpec


def a_job(code: Path, **changes: Any) -> JobSpec:
    return JobSpec(code=code, code_name=code.name, work=code.parent, out=code.parent, **changes)


def a_notebook(path: Path, *cells: str, metadata: dict[str, Any] | None = None) -> Path:
    notebook = nbformat.v4.new_notebook(metadata=metadata or {})
    notebook.cells = [nbformat.v4.new_code_cell(text) for text in cells]
    nbformat.write(notebook, path)
    return path


def sources(notebook: Any) -> list[str]:
    return [cell.source for cell in notebook.cells]


def test_a_notebook_loses_old_outputs(tmp_path: Path) -> None:
    path = a_notebook(tmp_path / "a.ipynb", "x = 1")
    raw = json.loads(path.read_text())
    raw["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["old"]}]
    raw["cells"][0]["execution_count"] = 7
    path.write_text(json.dumps(raw))
    cell = source.load(a_job(path)).cells[0]
    assert (cell.outputs, cell.execution_count) == ([], None)


def test_an_old_notebook_is_brought_up_to_date(tmp_path: Path) -> None:
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": "old"},
        "worksheets": [
            {"cells": [{"cell_type": "code", "input": ["y = 2"], "outputs": [], "language": "python"}]}
        ],
    }
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps(old))
    notebook = source.load(a_job(path))
    assert sources(notebook) == ["y = 2"]
    assert notebook.cells[0].id


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'{"cells": [{"cell_type": "code"', "not a whole notebook"),
        (b'{"nbformat": 4, "cells": ["\xe9\xff"]}', "not UTF-8"),
        (b"[]", "not a Jupyter notebook"),
        (b'{"a": 1}', "not a Jupyter notebook"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}', "not a valid"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a valid"),
        (b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "holds no code"),
    ],
)
def test_what_is_no_notebook(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "bad.ipynb"
    path.write_bytes(content)
    with pytest.raises(SpecError, match=said):
        source.load(a_job(path))


@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}},
        {"language_info": {"name": "julia"}},
    ],
)
def test_other_languages_are_refused(tmp_path: Path, metadata: dict[str, Any]) -> None:
    path = a_notebook(tmp_path / "r.ipynb", "x <- 1", metadata=metadata)
    with pytest.raises(SpecError, match=r"is written in (R|julia)"):
        source.load(a_job(path))


def test_parameters_follow_the_tagged_cell_and_replace_earlier_ones(tmp_path: Path) -> None:
    path = a_notebook(tmp_path / "a.ipynb", "import os", "epochs = 1", "epochs = 2", "print(epochs)")
    raw = json.loads(path.read_text())
    raw["cells"][1]["metadata"] = {"tags": ["parameters"]}
    raw["cells"][2]["metadata"] = {"tags": ["injected-parameters"]}
    path.write_text(json.dumps(raw))
    notebook = source.load(a_job(path, parameters={"epochs": 5, "name": "ü'"}))
    assert sources(notebook) == [
        "import os",
        "epochs = 1",
        '# Parameters\nepochs = 5\nname = "ü\'"',
        "print(epochs)",
    ]
    assert notebook.cells[2].metadata["tags"] == ["injected-parameters"]


def test_parameters_without_a_tagged_cell_come_first(tmp_path: Path) -> None:
    path = a_notebook(tmp_path / "a.ipynb", "print(epochs)")
    assert sources(source.load(a_job(path, parameters={"epochs": 5})))[0] == "# Parameters\nepochs = 5"


@pytest.mark.parametrize(
    "value", [None, True, 3, -2.5, "a\n'\"\\", [1, [2.0, None]], {"a": {"b": [False]}, "c": "ü"}]
)
def test_literals_are_python(value: object) -> None:
    assert eval(source.literal(value)) == value


def test_numbers_that_json_has_no_words_for() -> None:
    low, high, odd = eval(source.literal([float("-inf"), float("inf"), float("nan")]))
    assert (low, high) == (float("-inf"), float("inf"))
    assert odd != odd


def test_a_script_without_marks_is_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(b"\xef\xbb\xbffrom __future__ import annotations\r\nx = 1\r\n")
    assert sources(source.load(a_job(path))) == ["from __future__ import annotations\nx = 1\n"]


def test_a_script_is_split_at_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        'import os\n# %% tags=["parameters"]\nepochs = 1\n# %% [markdown]\n# # Title\n# %%\nprint(epochs)\n'
    )
    notebook = source.load(a_job(path, parameters={"epochs": 4}))
    assert sources(notebook) == [
        "import os",
        "epochs = 1",
        "# Parameters\nepochs = 4",
        "# Title",
        "print(epochs)",
    ]
    assert [cell.cell_type for cell in notebook.cells] == ["code", "code", "code", "markdown", "code"]


def test_a_mark_inside_a_text_does_not_split(tmp_path: Path) -> None:
    text = 'x = """\n# %%\n"""\n'
    path = tmp_path / "train.py"
    path.write_text(text)
    assert sources(source.load(a_job(path))) == [text]


@pytest.mark.parametrize("content", [b"x = '\xe9'\n", b"# coding: nonsense\nx = 1\n", b"x = 1\0\n"])
def test_what_is_no_script(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.py"
    path.write_bytes(content)
    with pytest.raises(SpecError, match="Python script"):
        source.load(a_job(path))


def test_a_declared_encoding_is_honoured(tmp_path: Path) -> None:
    path = tmp_path / "latin.py"
    path.write_bytes(b"# coding: latin-1\nx = '\xe9'\n")
    assert "'é'" in sources(source.load(a_job(path)))[0]
