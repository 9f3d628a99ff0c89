"""The code of a job as a notebook: read, refused where it cannot run, parameters put in."""

from __future__ import annotations

import ast
import io
import json
import math
import re
import tokenize
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from perijove_lab.runner.errors import SpecError
from perijove_lab.runner.spec import JobSpec

_MARKER = re.compile(r"^# ?%%(.*)$", re.MULTILINE)
_TAGS = re.compile(r"tags\s*=\s*(\[[^\]]*\])")


def load(spec: JobSpec) -> NotebookNode:
    """The notebook to run, in nbformat 4 with cell ids, its parameters injected.

    Raises SpecError when the file is missing, is no notebook, is not UTF-8, holds no code or is written in
    another language than Python.
    """
    notebook = _read_notebook(spec.code) if spec.is_notebook else _read_script(spec.code)
    if not any(cell.cell_type == "code" and cell.source.strip() for cell in notebook.cells):
        raise SpecError(f"{spec.code_name} holds no code: there is nothing to run.")
    if spec.parameters:
        _inject(notebook, spec.parameters)
    return notebook


def _bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpecError(f"The code {path.name} cannot be read: {error.strerror}.") from error
    if not content.strip():
        raise SpecError(f"{path.name} is empty: there is nothing to run.")
    return content


def _read_notebook(path: Path) -> NotebookNode:
    raw = _json(_bytes(path), path.name)
    if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
        raise SpecError(f"{path.name} is JSON but not a Jupyter notebook.")
    _refuse_language(raw, path.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids: nbformat gives them some
            notebook: NotebookNode = nbformat.reads(json.dumps(raw), as_version=4)  # type: ignore[no-untyped-call]
        _check_cells(notebook)
    except Exception as error:  # nbformat raises whatever its parts raise on malformed notebooks
        raise SpecError(f"{path.name} is not a valid Jupyter notebook: {str(error)[:300]}") from error
    notebook.nbformat_minor = max(5, notebook.nbformat_minor)
    return notebook


def _json(content: bytes, name: str) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{name} is not UTF-8 text (byte {error.start}).", advice="Save it again with UTF-8 encoding."
        ) from error
    except (ValueError, RecursionError) as error:
        raise SpecError(
            f"{name} is not a whole notebook: its JSON ends or breaks at {error}.",
            advice="The file may have been cut off on its way; upload it again.",
        ) from error


def _check_cells(notebook: NotebookNode) -> None:
    """The few things that running relies on; full schema validation would refuse what Jupyter opens."""
    for cell in notebook.cells:
        if not isinstance(cell.source, str):
            raise TypeError("a cell's source is no text")
        if "id" not in cell:
            cell.id = nbformat.v4.new_code_cell().id  # type: ignore[no-untyped-call]
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def _refuse_language(raw: dict[str, Any], name: str) -> None:
    metadata = raw.get("metadata")
    if not isinstance(metadata, dict):
        return
    language = _language(metadata)
    if language and not language.lower().startswith(("python", "ipython")):
        raise SpecError(
            f"{name} is written in {language[:40]}; jobs run Python notebooks and scripts only.",
            advice="Choose a Python kernel for it, or send a Python notebook.",
        )


def _language(metadata: dict[str, Any]) -> str:
    for part, key in (("kernelspec", "language"), ("language_info", "name")):
        section = metadata.get(part)
        if isinstance(section, dict) and isinstance(section.get(key), str) and section[key]:
            return str(section[key])
    return ""


def _read_script(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.cells = cells_of(_decode(_bytes(path), path.name))
    return notebook


def _decode(content: bytes, name: str) -> str:
    """As Python itself reads a source file: PEP 263 cookie, byte order mark, universal newlines."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise SpecError(
            f"{name} is not a Python script in UTF-8: {error}.", advice="Save it again with UTF-8 encoding."
        ) from error
    if "\0" in text:
        raise SpecError(f"{name} is no Python script: it holds null bytes.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def cells_of(text: str) -> list[NotebookNode]:
    """The script split at its `# %%` lines, or one cell where it has none or does not split cleanly."""
    marks = list(_MARKER.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    chunks = [("", text[: marks[0].start()])] if marks else []
    chunks += [(m.group(1), text[m.end() : end]) for m, end in zip(marks, ends, strict=True)] if marks else []
    cells = [_cell(header, body.strip("\n")) for header, body in chunks if body.strip()]
    if cells and all(cell.cell_type != "code" or _parses(cell.source) for cell in cells):
        return cells
    return [nbformat.v4.new_code_cell(text)]  # type: ignore[no-untyped-call]


def _cell(header: str, body: str) -> NotebookNode:
    if "[markdown]" in header:
        text = re.sub(r"^# ?", "", body, flags=re.MULTILINE)
        return nbformat.v4.new_markdown_cell(text)  # type: ignore[no-untyped-call, no-any-return]
    cell = nbformat.v4.new_code_cell(body)  # type: ignore[no-untyped-call]
    tags = _TAGS.search(header)
    if tags:
        cell.metadata["tags"] = _list(tags.group(1))
    return cell  # type: ignore[no-any-return]


def _list(text: str) -> list[str]:
    try:
        return [str(item) for item in ast.literal_eval(text)]
    except (ValueError, SyntaxError):
        return []


def _parses(text: str) -> bool:
    try:
        compile(text, "script", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError):
        return False
    return True


def _inject(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    """One cell after the one tagged `parameters` (else at the top), in place of an earlier injected one."""
    notebook.cells = [cell for cell in notebook.cells if "injected-parameters" not in _tags(cell)]
    lines = ["# Parameters", *(f"{name} = {literal(value)}" for name, value in parameters.items())]
    cell = nbformat.v4.new_code_cell("\n".join(lines))  # type: ignore[no-untyped-call]
    cell.metadata["tags"] = ["injected-parameters"]
    tagged = [index for index, item in enumerate(notebook.cells) if "parameters" in _tags(item)]
    notebook.cells.insert(tagged[0] + 1 if tagged else 0, cell)


def _tags(cell: NotebookNode) -> list[str]:
    tags = cell.metadata.get("tags")
    return tags if isinstance(tags, list) else []


def literal(value: Any) -> str:
    """Python source of a JSON value, also of the numbers that JSON has no words for."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {literal(item)}" for key, item in value.items()) + "}"
    return repr(value)
