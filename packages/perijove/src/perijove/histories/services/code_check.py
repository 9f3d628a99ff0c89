"""Whether a file can be run as a notebook or a script: looked at before a job waits its turn."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

from perijove.core.errors import BadRequestError, TooLargeError
from perijove.core.resources import format_size

MAX_CODE_BYTES = 64 * 2**20
_UNSAFE = re.compile(r"[^A-Za-z0-9._ -]+")
_PYTHON = ("python", "ipython", "ipython3", "python3")

CodeKind = Literal["notebook", "script"]


def code_kind(name: str, ext: str) -> CodeKind:
    """Whether a dataset called `name` with extension `ext` is taken as a notebook or as a script."""
    return "notebook" if ext == "ipynb" or name.lower().endswith(".ipynb") else "script"


def code_file_name(name: str, kind: CodeKind) -> str:
    """A plain file name for the job's `code/`: letters, digits, dots, spaces, with the suffix of its kind."""
    stem = _UNSAFE.sub("_", name).strip(" ._-")
    suffix = ".ipynb" if kind == "notebook" else ".py"
    for known in (".ipynb", ".py"):
        if stem.lower().endswith(known):
            stem = stem[: -len(known)]
    return f"{stem[:100].strip(' ._-') or kind}{suffix}"


def check_size(size: int) -> None:
    """TooLargeError for a file too large to be code."""
    if size > MAX_CODE_BYTES:
        raise TooLargeError(
            f"The code has {format_size(size)}; it may have {format_size(MAX_CODE_BYTES)}.",
            advice="Clear the notebook's outputs before sending it, and give data as inputs.",
        )


def check_code(content: bytes, kind: CodeKind) -> None:
    """BadRequestError where `content` cannot be run: not UTF-8, not a notebook, empty, not Python."""
    check_size(len(content))
    text = _decode(content)
    if kind == "notebook":
        _check_notebook(_parse(text))
    elif not text.strip():
        raise BadRequestError("The script is empty.", advice="Choose a file that holds Python code.")
    elif "\0" in text:
        raise BadRequestError(
            "The script is not a text file.", advice="Choose a file that holds Python code."
        )


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequestError(
            f"The code is not UTF-8 text (byte {error.start}).",
            advice="Save it as UTF-8, or choose the notebook or script instead of a data file.",
        ) from None


def _parse(text: str) -> dict[str, Any]:
    if not text.strip():
        raise BadRequestError(
            "The notebook is an empty file.", advice="Save it in JupyterLab and send it again."
        )
    try:
        notebook = json.loads(text)
    except ValueError as error:
        raise BadRequestError(
            f"The notebook is not valid JSON: {error}.", advice="Open it in JupyterLab and save it again."
        ) from None
    except RecursionError:
        raise BadRequestError("The notebook is not valid: it is nested too deeply.") from None
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise BadRequestError(
            "This is not a notebook of format 4: it has no list of cells.",
            advice="Open it in JupyterLab and save it again; that brings older notebooks up to date.",
        )
    return notebook


def _check_notebook(notebook: dict[str, Any]) -> None:
    if notebook.get("nbformat") != 4:
        raise BadRequestError(
            f"The notebook's format is {notebook.get('nbformat')!r:.40}, not 4.",
            advice="Open it in JupyterLab and save it again.",
        )
    language = notebook_language(notebook)
    if language.lower() not in _PYTHON:
        raise BadRequestError(
            f"The notebook is written in {language[:40]}; jobs run Python.",
            advice="Choose a Python kernel in the notebook, or run it in the lab.",
        )
    if not any(_has_code(cell) for cell in notebook["cells"]):
        raise BadRequestError("The notebook has no code to run.", advice="Send a notebook with a code cell.")


def notebook_language(notebook: dict[str, Any]) -> str:
    """The language that the notebook says it is in; Python where it says nothing."""
    metadata = notebook.get("metadata")
    if not isinstance(metadata, dict):
        return "python"
    for section, key in (("kernelspec", "language"), ("language_info", "name")):
        part = metadata.get(section)
        language = part.get(key) if isinstance(part, dict) else None
        if isinstance(language, str) and language:
            return language
    return "python"


def _has_code(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return False
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return any(isinstance(line, str) and line.strip() for line in lines)
