"""What a job says it produced (`out/manifest.json`): the text of a stranger, turned into checked values.

Only names and sizes are decided here. Whether a file is a file and lies where it says is checked again, by
descriptor and without following links, when it is taken in.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from perijove.core.errors import BadRequestError
from perijove.histories.services.job_directory import NOTEBOOK, read_out
from perijove.sandbox.files import split_beneath

MAX_MANIFEST_BYTES = 64 * 2**20
MAX_OUTPUTS = 20_000
_MAX_TEXT = 20_000
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_OUTPUTS_FOLDER = PurePosixPath("work/outputs")


class _Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


def _cut(value: Any) -> Any:
    return value[:_MAX_TEXT] if isinstance(value, str) else value


_Text = Annotated[str, BeforeValidator(_cut)]


class JobError(_Lenient):
    """Why a job failed, for its user."""

    type: _Text = "Error"
    message: _Text = ""
    advice: _Text = ""
    cell: int | None = None
    traceback: _Text = ""


class Output(_Lenient):
    """One file; `path` is relative to the job directory."""

    name: Annotated[_Text, Field(min_length=1)]
    file: Annotated[str, Field(min_length=1, max_length=4096)]
    ext: str = Field(default="auto", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    role: Literal["notebook", "model", "arrays", "file", "report"] = "file"
    metadata: dict[str, Any] = Field(default_factory=dict)
    collection: str | None = Field(default=None, max_length=255)
    element: str | None = Field(default=None, max_length=1024)

    @property
    def path(self) -> str:
        """Where it lies below the job directory; ValueError where that is no place for an output."""
        parts = PurePosixPath(*split_beneath(self.file))
        if parts.is_relative_to(_OUTPUTS_FOLDER):
            return str(parts)
        if parts.parts[0] == "work":
            raise ValueError(f"{self.file!r} is not below work/outputs")
        return str(PurePosixPath("out") / parts)

    @property
    def identifier(self) -> str:
        """What it is called within its collection."""
        return self.element or self.name[:1024]


class Manifest(_Lenient):
    """A whole manifest."""

    version: Literal[1]
    state: Literal["ok", "error"]
    error: JobError | None = None
    outputs: Annotated[tuple[Output, ...], Field(max_length=MAX_OUTPUTS)] = ()
    unsaved: Annotated[list[Any], Field(max_length=10_000)] = Field(default_factory=list)
    provenance: dict[str, Any] = Field(default_factory=dict)
    unnamable: int = Field(default=0, description="outputs whose names are no text; counted here, not sent")


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest of an ended job; None where there is none. BadRequestError where it cannot be trusted."""
    text = read_out(directory, "manifest.json", limit=MAX_MANIFEST_BYTES)
    if text is None:
        return None
    try:
        manifest = Manifest.model_validate(_without_unnamable(json.loads(text)))
        for output in manifest.outputs:
            _ = output.path
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BadRequestError(f"What the job reported is not valid: {where}: {fault['msg']}.") from None
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"What the job reported is not valid: {str(error)[:200]}.") from None
    return manifest


def _without_unnamable(raw: Any) -> Any:
    """`raw` without the outputs whose names are no text (bytes that are no UTF-8): none can be a dataset."""
    outputs = raw.get("outputs") if isinstance(raw, dict) else None
    if not isinstance(outputs, list):
        return raw
    kept = [output for output in outputs if _namable(output)]
    return {**raw, "outputs": kept, "unnamable": len(outputs) - len(kept)}


def _namable(output: Any) -> bool:
    texts = output.values() if isinstance(output, dict) else ()
    return not any(isinstance(text, str) and _SURROGATE.search(text) for text in texts)


def salvage(directory: Path) -> list[Output]:
    """What an ended job without a manifest left: the executed notebook, and the files below `outputs/`."""
    found = []
    if _is_file(directory / "out" / NOTEBOOK):
        found.append(Output(name="executed notebook", file=NOTEBOOK, ext="ipynb", role="notebook"))
    for relative in _files_below(directory / "work" / "outputs"):
        if len(found) >= MAX_OUTPUTS:
            break
        found.append(
            Output(
                name=f"outputs/{relative}",
                file=f"work/outputs/{relative}",
                collection="outputs",
                element=relative,
            )
        )
    return found


def _files_below(root: Path) -> Iterator[str]:
    """Regular files below `root`, sorted, no link followed; impossible names are passed over."""
    for folder, folders, names in os.walk(root, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(folder, name)
            relative = str(path.relative_to(root))
            if len(relative) <= 1024 and relative.isprintable() and _is_file(path):
                yield relative


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
