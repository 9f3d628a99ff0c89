"""Whether a file can be run as a notebook or a script: looked at before a job waits its turn."""

from __future__ import annotations

import io
import json
import re
import tokenize
from typing import Any, Literal

from perijove.core.errors import BadRequestError, TooLargeError
from perijove.core.resources import format_size

MAX_CODE_BYTES = 64 * 2**20
_UNSAFE = re.compile(r"[^A-Za-z0-9._ -]+")

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
    """BadRequestError where `content` cannot be run: no text, not a notebook, empty, not Python."""
    check_size(len(content))
    if kind == "notebook":
        _check_notebook(_parse(_utf8(content)))
        return
    text = _script(content)
    if not text.strip():
        raise BadRequestError("The script is empty.", advice="Choose a file that holds Python code.")
    if "\0" in text:
        raise BadRequestError(
            "The script is not a text file.", advice="Choose a file that holds Python code."
        )


def _utf8(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequestError(
            f"The notebook is not UTF-8 text (byte {error.start}).", advice="Save it in JupyterLab."
        ) from None


def _script(content: bytes) -> str:
    """The script as Python reads it: UTF-8, or what its first lines declare."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise BadRequestError(
            f"The script is not UTF-8 text ({str(error)[:200]}).",
            advice="Save it as UTF-8, or choose the script instead of a data file.",
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
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise BadRequestError(
            "This is not a notebook: it says no format.", advice="Open it in JupyterLab and save it again."
        )
    return notebook


def _check_notebook(notebook: dict[str, Any]) -> None:
    language = notebook_language(notebook)
    if not language.lower().startswith(("python", "ipython")):
        raise BadRequestError(
            f"The notebook is written in {language[:40]}; jobs run Python.",
            advice="Choose a Python kernel in the notebook, or run it in the lab.",
        )
    if not any(_has_code(cell) for cell in _cells(notebook)):
        raise BadRequestError("The notebook has no code to run.", advice="Send a notebook with a code cell.")


def _cells(notebook: dict[str, Any]) -> list[Any]:
    """The cells; those of a notebook of format 3 lie in worksheets, and the runner brings them up to date."""
    sheets = notebook.get("worksheets")
    holders = [notebook, *(sheets if isinstance(sheets, list) else [])]
    found = [holder.get("cells") for holder in holders if isinstance(holder, dict)]
    return [cell for cells in found if isinstance(cells, list) for cell in cells]


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


def notebook_kernel(content: bytes, kind: CodeKind) -> str:
    """The name of the kernel that a checked notebook was saved with; empty where it names none."""
    if kind != "notebook":
        return ""
    metadata = json.loads(_utf8(content)).get("metadata")
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    name = spec.get("name") if isinstance(spec, dict) else None
    return name if isinstance(name, str) else ""


def _has_code(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") != "code":
        return False
    source = cell.get("source", cell.get("input", ""))
    lines = source if isinstance(source, list) else [source]
    return any(isinstance(line, str) and line.strip() for line in lines)
