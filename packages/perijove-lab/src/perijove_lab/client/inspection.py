"""What a notebook or script needs, read from its text: files that it names, and its parameters.

Nothing is run. What is found is a proposal: a file may be named in a way that nobody can see from the text.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat

from perijove_lab.client.errors import InputError
from perijove_lab.runner.source import cells_of

OUTPUTS = "outputs"
_MOST = 200  # files of one folder that are counted
_WRITES = ("save", "to_", "write", "imwrite", "imsave", "dump", "export", "mkdir", "makedirs")
_JOINS = ("join", "joinpath", "Path", "PurePath", "PosixPath")
_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "text"),
)


@dataclass(frozen=True)
class Code:
    """The Python of one cell, and the cell's tags."""

    text: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file or folder that the code names. `written`: the code seems to make it rather than to read it."""

    path: str
    size: int
    folder: bool = False
    files: int = 1
    written: bool = False


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A variable of the cell tagged `parameters`; `kind`: boolean, integer, number, text or json."""

    name: str
    value: Any
    kind: str


def cells(file: Path) -> list[Code]:
    """The code of a notebook or script. InputError for what is neither."""
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix != ".ipynb":
            notebook_cells = cells_of(text)
        else:
            notebook_cells = nbformat.reads(text, as_version=4).cells  # type: ignore[no-untyped-call]
    except (ValueError, AttributeError, TypeError, nbformat.ValidationError) as error:  # JSON of another kind
        raise InputError(
            f"{file.name} cannot be read: {error}.", advice="Open it and save it again."
        ) from error
    return [
        Code(str(cell.source), tuple(cell.metadata.get("tags") or ()))
        for cell in notebook_cells
        if cell.cell_type == "code"
    ]


def inputs(code: Sequence[Code], folder: Path) -> list[Found]:
    """Files and folders below `folder` that the code names or imports, by path; not those of `outputs/`."""
    named: dict[str, bool] = {}
    for cell in code:
        for tree in _trees(cell.text):
            _collect(tree, named)
    found = [_found(path, folder, written) for path, written in sorted(named.items())]
    return [one for one in found if one is not None]


def parameters(code: Sequence[Code]) -> list[Parameter]:
    """The plain values that the cells tagged `parameters` assign, in order."""
    found: dict[str, Parameter] = {}
    for cell in code:
        if "parameters" in cell.tags:
            for tree in _trees(cell.text):
                found |= {one.name: one for one in _assigned(tree)}
    return list(found.values())


def _trees(text: str) -> Iterator[ast.AST]:
    """The cell as a syntax tree; lines for IPython (`%`, `!`) are passed over."""
    plain = "\n".join("" if line.lstrip().startswith(("%", "!", "?")) else line for line in text.split("\n"))
    try:
        yield compile(plain, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError, RecursionError):
        return


def _collect(tree: ast.AST, named: dict[str, bool]) -> None:
    """Add every text of the tree, and whether nothing but writing is done with it."""
    written = {id(part) for call in ast.walk(tree) if _is_writing(call) for part in ast.walk(call)}
    for node in ast.walk(tree):
        for text in _texts(node):
            named[text] = named.get(text, True) and id(node) in written


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Constant, ast.BinOp, ast.Call)):
        text = _folded(node)
        if text:
            yield text
    elif isinstance(node, ast.Import):
        for alias in node.names:
            yield from _modules(alias.name)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield from _modules(node.module)


def _modules(name: str) -> Iterator[str]:
    first = name.split(".")[0]
    yield from (f"{first}.py", f"{first}/__init__.py")


def _folded(node: ast.AST) -> str | None:
    """The path that `node` is: a text, `Path("a") / "b"`, or `os.path.join("a", "b")`; None for others."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) and len(node.value) < 1000 else None
    parts: Sequence[ast.AST] = ()
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        parts = (node.left, node.right)
    elif isinstance(node, ast.Call) and _name(node.func) in _JOINS:
        parts = node.args
    folded = [_folded(part) for part in parts]
    texts = [text for text in folded if text is not None]
    return str(PurePosixPath(*texts)) if texts and len(texts) == len(folded) else None


def _is_writing(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = _name(node.func)
    if name == "open":
        modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
        return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax") for mode in modes)
    return name.startswith(_WRITES)


def _name(function: ast.AST) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _found(path: str, folder: Path, written: bool) -> Found | None:
    """The file or folder of that name in `folder`; None where there is none, or not for a job."""
    pure = PurePosixPath(path)
    if "\0" in path or pure.is_absolute() or ".." in pure.parts or not pure.parts or pure.parts[0] == OUTPUTS:
        return None
    place = folder / pure
    try:
        if place.is_file():
            return Found(path=str(pure), size=place.stat().st_size, written=written)
        if place.is_dir():
            return _folder(str(pure), place, written)
    except OSError:
        pass  # a text that is no name of a file: too long, or not for this user
    return None


def _folder(path: str, place: Path, written: bool) -> Found | None:
    sizes: list[int] = []
    for file in place.rglob("*"):
        if file.is_file():
            sizes.append(file.stat().st_size)
        if len(sizes) > _MOST:
            break
    if not sizes:
        return None
    return Found(path=path, size=sum(sizes), folder=True, files=len(sizes), written=written)


def _assigned(tree: ast.AST) -> Iterator[Parameter]:
    for statement in getattr(tree, "body", ()):
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _pairs(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from _pairs(statement.target, statement.value)


def _pairs(target: ast.AST, value: ast.AST) -> Iterator[Parameter]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, its)
    elif isinstance(target, ast.Name):
        try:
            plain = ast.literal_eval(value)
        except (ValueError, SyntaxError, TypeError, RecursionError):
            return
        if plain is None or isinstance(plain, (bool, int, float, str, list, dict)):
            yield Parameter(name=target.id, value=plain, kind=_kind(plain))


def _kind(value: Any) -> str:
    return next((kind for type_, kind in _KINDS if isinstance(value, type_)), "json")
