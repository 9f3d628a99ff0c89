"""The job description (`job.json`): read, checked, frozen."""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perijove_lab.runner.errors import SpecError

VERSION = 1


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """One input: the file at `source` shall be found under `path`, the path that the code names."""

    source: Path
    path: str
    name: str


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """All that the runner is told. `code_name` decides between notebook (`.ipynb`) and script."""

    code: Path
    code_name: str
    work: Path
    out: Path
    inputs: tuple[InputSpec, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    capture: bool = True
    kernel: str | None = None

    @property
    def is_notebook(self) -> bool:
        """Whether the code is a notebook; anything else is taken for a Python script."""
        return self.code_name.lower().endswith(".ipynb")


def read(path: Path) -> dict[str, Any]:
    """The JSON object in the file. Raises SpecError when there is none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(f"The job description {path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise SpecError(f"The job description {path} is not valid JSON: {error}.") from error
    if not isinstance(raw, dict):
        raise SpecError(f"The job description {path} must be a JSON object.")
    return raw


def parse(raw: dict[str, Any]) -> JobSpec:
    """Check every field. Raises SpecError naming the first one that is wrong. Unknown fields are ignored."""
    if raw.get("version") != VERSION:
        raise SpecError(
            f"The job description has version {raw.get('version')!r}; this runner reads version {VERSION}.",
            advice="Use the same release of perijove and perijove-lab.",
        )
    code = _field(raw, "code", dict)
    path = Path(_text(code, "path", "code."))
    return JobSpec(
        code=path,
        code_name=_text(code, "name", "code.", default=path.name),
        work=_folder(raw, "work"),
        out=_folder(raw, "out"),
        inputs=tuple(_input(item, index) for index, item in enumerate(_field(raw, "inputs", list, []))),
        parameters=_parameters(_field(raw, "parameters", dict, {})),
        capture=_field(raw, "capture", bool, True),
        kernel=_text(raw, "kernel") if raw.get("kernel") is not None else None,
    )


def _field(raw: dict[str, Any], key: str, kind: type, default: Any = None) -> Any:
    value = raw.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, kind):
        raise SpecError(f"`{key}` of the job description must be a JSON {_json_name(kind)}.")
    return value


def _json_name(kind: type) -> str:
    return {dict: "object", list: "array", bool: "boolean", str: "string"}[kind]


def _text(raw: dict[str, Any], key: str, prefix: str = "", default: str | None = None) -> str:
    value = raw.get(key, default)
    if not isinstance(value, str) or not value or "\0" in value:
        raise SpecError(f"`{prefix}{key}` of the job description must be a non-empty text.")
    return value


def _folder(raw: dict[str, Any], key: str) -> Path:
    path = Path(_text(raw, key)).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError(f"`{key}` ({path}) cannot be used as a folder: {error.strerror}.") from error
    return path


def _input(raw: Any, index: int) -> InputSpec:
    prefix = f"inputs[{index}]."
    if not isinstance(raw, dict):
        raise SpecError(f"`inputs[{index}]` of the job description must be a JSON object.")
    path = _text(raw, "path", prefix)
    source = Path(_text(raw, "source", prefix)).absolute()
    return InputSpec(
        source=source, path=path, name=_text(raw, "name", prefix, default=Path(path).name or path)
    )


def _parameters(raw: dict[str, Any]) -> dict[str, Any]:
    for name in raw:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise SpecError(
                f"The parameter {name[:80]!r} is not a valid Python name.",
                advice="Name parameters as the variables they set: letters, digits and underscores.",
            )
    return dict(raw)
