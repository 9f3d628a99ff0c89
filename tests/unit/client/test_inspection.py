"""What a notebook needs, read from its text."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from perijove_lab.client.errors import InputError
from perijove_lab.client.inspection import Code, cells, inputs, parameters


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "data/ct.h5",
        "data/a b.csv",
        "images/1.png",
        "images/2.png",
        "helper.py",
        "pack/__init__.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("12345")
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs" / "old.csv").write_text("1")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("h5py.File('data/ct.h5')", ["data/ct.h5"]),
        ("x = 'data/a b.csv'; pd.read_csv(x)", ["data/a b.csv"]),
        ("os.path.join('data', 'ct.h5')", ["data", "data/ct.h5"]),
        ("Path('data') / 'ct.h5'", ["data", "data/ct.h5"]),
        ("ImageFolder('images/')", ["images"]),
        ("import helper, numpy", ["helper.py"]),
        ("from pack.inner import x", ["pack/__init__.py"]),
        ("%matplotlib inline\n!ls\nopen('helper.py')", ["helper.py"]),
        ("await load('data/ct.h5')", ["data/ct.h5"]),
        ("open('../secret'); open('/etc/passwd'); open('~/x'); open('.'); open('')", []),
        ("open('outputs/old.csv'); glob('empty')", []),
        ("open('missing.csv'); open('a\\0b'); f('x' * 9)", []),
        ("f(" + "'" + "x" * 5000 + "')", []),
        ("this is no Python 'data/ct.h5'", []),
    ],
)
def test_files_that_the_code_names(folder: Path, code: str, found: list[str]) -> None:
    assert [one.path for one in inputs([Code(code)], folder)] == found


def test_a_folder_stands_for_its_files(folder: Path) -> None:
    (found,) = inputs([Code("f('images')")], folder)
    assert (found.folder, found.files, found.size) == (True, 2, 10)


@pytest.mark.parametrize(
    ("code", "written"),
    [
        ("open('helper.py', 'w')", True),
        ("open('helper.py', mode='ab')", True),
        ("open('helper.py')", False),
        ("frame.to_csv('helper.py')", True),
        ("model.save('helper.py')\nload('helper.py')", False),
        ("np.savez(file='helper.py')", True),
        ("os.makedirs('images', exist_ok=True)", True),
        ("Path('images').mkdir()", True),
        ("os.makedirs('images')\nload('images')", False),
    ],
)
def test_what_is_only_written_is_no_input(folder: Path, code: str, written: bool) -> None:
    (found,) = inputs([Code(code)], folder)
    assert found.written is written


def test_parameters_with_their_kinds() -> None:
    text = """
epochs, rate = 3, 1e-3
augment: bool = True
kind = 'unet'
sizes = [1, 2]
nothing = None
computed = 2 * epochs
x.y = 3
epochs = 5
"""
    found = parameters([Code("other = 1"), Code(text, ("parameters",))])
    assert [(one.name, one.value, one.kind) for one in found] == [
        ("epochs", 5, "integer"),
        ("rate", 1e-3, "number"),
        ("augment", True, "boolean"),
        ("kind", "unet", "text"),
        ("sizes", [1, 2], "json"),
        ("nothing", None, "json"),
    ]


def test_cells_of_notebooks_and_scripts(tmp_path: Path) -> None:
    code = nbformat.v4.new_code_cell("a = 1", metadata={"tags": ["parameters"]})
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("'data'"), code])
    nbformat.write(made, tmp_path / "n.ipynb")
    assert cells(tmp_path / "n.ipynb") == [Code("a = 1", ("parameters",))]
    (tmp_path / "s.py").write_text('# %% tags=["parameters"]\na = 1\n# %%\nprint(a)\n')
    assert cells(tmp_path / "s.py") == [Code("a = 1", ("parameters",)), Code("print(a)")]
    for name, content in (("bad.ipynb", b"{"), ("odd.ipynb", b"[]"), ("bytes.py", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="cannot be read"):
            cells(tmp_path / name)
