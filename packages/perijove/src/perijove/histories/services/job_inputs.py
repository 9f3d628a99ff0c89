"""What `run_jupyter_job` is called with: from the shapes that Galaxy's clients send to one frozen value.

Accepted, as Galaxy does: nested objects, flat keys (`section|name`, `inputs_0|path`), a dataset as
`{"src": "hda", "id": …}`, as a list of such, or as `{"values": [...]}`. Data may be an element of a
collection, `{"src": "hdca", "id": …, "element": "name"}`. A name that the tool does not have is
refused, because a misspelt one that is ignored costs its user a training.
"""

from __future__ import annotations

import json
import keyword
import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from perijove.core.errors import BadRequestError
from perijove.core.resources import Size
from perijove.histories.store.ids import ID_PATTERN

MAX_INPUTS = 10_000
MAX_PARAMETERS_BYTES = 2**20
MAX_PATH_BYTES = 4096
MAX_PART_BYTES = 255
_REPEAT = re.compile(r"^inputs_(\d{1,6})$")
_IGNORED = frozenset({"__current_case__", "__index__", "__page__", "use_cached_job", "chromInfo", "dbkey"})
_PARAMETERS = "parameters"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetRef(_Frozen):
    """A dataset of a history."""

    src: Literal["hda"] = "hda"
    id: str = Field(pattern=ID_PATTERN)


class InputFile(_Frozen):
    """A dataset, or the element of a collection, and the path by which the code reads it.

    Path None: the dataset's own name.
    """

    src: Literal["hda", "hdca"] = "hda"
    id: str = Field(pattern=ID_PATTERN)
    element: str | None = Field(default=None, min_length=1, max_length=1024)
    path: str | None = None


def _one_dataset(value: Any) -> Any:
    refs = _datasets(value)
    if len(refs) != 1:
        raise ValueError(f"one dataset is needed, {len(refs)} were given")
    return refs[0]


def _datasets(value: Any) -> list[Any]:
    """The list of dataset references in any of Galaxy's shapes."""
    if value is None or value == "":
        return []
    if isinstance(value, dict) and "values" in value:
        value = value["values"]
    return list(value) if isinstance(value, list) else [value]


def _ref(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError('a dataset is written as {"src": "hda", "id": "…"}')
    if value.get("src", "hda") != "hda":
        raise ValueError(
            'only datasets can be given (src "hda"), and of a collection an "element" by its name'
        )
    return {key: value[key] for key in ("src", "id", "path") if key in value}


def _file_ref(value: Any) -> Any:
    if isinstance(value, dict) and value.get("src") == "hdca" and isinstance(value.get("element"), str):
        return {key: value[key] for key in ("src", "id", "element", "path") if key in value}
    return _ref(value)


def _paths(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    parts = value if isinstance(value, list) else str(value).split(",")
    return [part.strip() if isinstance(part, str) else part for part in parts]


def _parameters(value: Any) -> Any:
    if value is None or value == "":
        return {}
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is neither an object nor its JSON text ({error})") from error


def _number(value: Any) -> Any:
    """Empty means not given; true and false are no numbers."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        raise ValueError("is true or false, a number is needed")
    return value


def _text(value: Any) -> Any:
    return None if value == "" else value


_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0, le=10_000)]
_ShortText = Annotated[str, Field(max_length=255)]
_KernelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
_JobId = Annotated[str, Field(pattern=ID_PATTERN)]
_OptionalText = Annotated[str | None, BeforeValidator(_text)]
_OneDataset = Annotated[DatasetRef, BeforeValidator(lambda value: _ref(_one_dataset(value)))]
_Datasets = Annotated[
    tuple[DatasetRef, ...], BeforeValidator(lambda value: [_ref(one) for one in _datasets(value)])
]
_InputFiles = Annotated[
    tuple[InputFile, ...], BeforeValidator(lambda value: [_file_ref(one) for one in _datasets(value)])
]


class JobInputs(_Frozen):
    """The tool's inputs, each as docs/reference/job-contract.md describes it."""

    select_file: _OneDataset
    ml_h5_datasets: _Datasets = ()
    ml_h5_dataset_paths: Annotated[tuple[str, ...], BeforeValidator(_paths)] = ()
    inputs: _InputFiles = ()
    parameters: Annotated[dict[str, Any], BeforeValidator(_parameters)] = Field(default_factory=dict)
    flavor: _OptionalText = None
    cpus: Annotated[_Positive | None, BeforeValidator(_number)] = None
    memory: Annotated[Size | None, BeforeValidator(_number)] = None
    gpus: Annotated[_Count | None, BeforeValidator(_number)] = None
    time_limit: Annotated[_Positive | None, BeforeValidator(_number)] = None
    network: Annotated[Literal["open", "none"] | None, BeforeValidator(_text)] = None
    kernel: Annotated[_KernelName | None, BeforeValidator(_text)] = None
    name: Annotated[_ShortText | None, BeforeValidator(_text)] = None
    engine: Annotated[_ShortText | None, BeforeValidator(_text)] = None
    submission_id: Annotated[_ShortText | None, BeforeValidator(_text)] = None
    rerun_remap_job_id: Annotated[_JobId | None, BeforeValidator(_text)] = None

    def files(self) -> tuple[InputFile, ...]:
        """Every dataset with its checked path (None where its own name is to be taken), in order."""
        paired = _pair(self.ml_h5_datasets, self.ml_h5_dataset_paths)
        files = tuple(
            file if file.path is None else file.model_copy(update={"path": clean_path(file.path)})
            for file in (*paired, *self.inputs)
        )
        if len(files) > MAX_INPUTS:
            raise BadRequestError(f"{len(files)} inputs are more than the {MAX_INPUTS} that a job may have.")
        return files


def parse_inputs(raw: dict[str, Any]) -> JobInputs:
    """`raw` as a value. BadRequestError names every input that is wrong and why."""
    try:
        parsed = JobInputs.model_validate(_gather(raw))
    except ValidationError as error:
        raise BadRequestError(
            _faults(error), advice=f"The inputs are: {', '.join(JobInputs.model_fields)}."
        ) from None
    _check_parameters(parsed.parameters)
    return parsed


def _gather(raw: dict[str, Any]) -> dict[str, Any]:
    """One level of plain names out of flat and nested keys."""
    gathered: dict[str, Any] = {}
    repeats: dict[int, dict[str, Any]] = {}
    _walk(raw, gathered, repeats)
    if repeats:
        gathered["inputs"] = [_from_repeat(repeats[index]) for index in sorted(repeats)]
    return gathered


def _walk(raw: dict[str, Any], gathered: dict[str, Any], repeats: dict[int, dict[str, Any]]) -> None:
    for key, value in raw.items():
        *sections, name = key.split("|")
        repeat = _REPEAT.match(sections[-1]) if sections else None
        if repeat:
            repeats.setdefault(int(repeat.group(1)), {})[name] = value
        elif sections and sections[-1] == _PARAMETERS:
            gathered.setdefault(_PARAMETERS, {})[name] = value
        elif name not in JobInputs.model_fields and isinstance(value, dict) and "src" not in value:
            _walk(value, gathered, repeats)
        elif name not in _IGNORED:
            gathered[name] = value


def _from_repeat(entry: dict[str, Any]) -> dict[str, Any]:
    """`inputs_0|path` with `inputs_0|dataset`, or with `inputs_0|src` and `inputs_0|id`."""
    flat = dict(entry)
    for name in ("dataset", "input", "file"):
        if isinstance(flat.get(name), dict):
            flat.update(_file_ref(_one_dataset(flat.pop(name))))
    return flat


def _pair(datasets: tuple[DatasetRef, ...], paths: tuple[str, ...]) -> list[InputFile]:
    if len(datasets) != len(paths):
        raise BadRequestError(
            f"ml_h5_datasets names {len(datasets)} datasets, ml_h5_dataset_paths {len(paths)} paths.",
            advice="Give one path for each dataset, in the same order, separated by commas.",
        )
    return [InputFile(id=dataset.id, path=path) for dataset, path in zip(datasets, paths, strict=True)]


def clean_path(text: str) -> str:
    """`text` as a plain path relative to the working directory. BadRequestError for any other."""
    path = text.strip()
    problem = _path_problem(path)
    if problem:
        shown = path if len(path) <= 100 else f"{path[:100]}…"
        raise BadRequestError(
            f"The path {shown!r} cannot be an input's: {problem}.",
            advice="Name a file relative to the working directory, in the code and here: data/ct.h5.",
        )
    return str(PurePosixPath(path))


def _path_problem(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not path or not parts or path.endswith("/"):
        return "it names no file"
    if path.startswith(("/", "~")):
        return "it does not lie in the working directory"
    if ".." in parts:
        return "it may leave the working directory"
    if any(ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF for character in path):
        return "it holds characters that file names cannot have"
    if len(path.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_PART_BYTES for part in parts):
        return "it is too long"
    return ""


def check_paths_differ(paths: list[str]) -> None:
    """BadRequestError where two inputs have one path, or one's path is a directory of another's."""
    seen: set[str] = set()
    for path in paths:
        if path in seen:
            raise BadRequestError(
                f"Two inputs have the path {path!r}.", advice="Give each input its own path."
            )
        seen.add(path)
    for path in paths:
        for parent in PurePosixPath(path).parents:
            if str(parent) in seen:
                raise BadRequestError(
                    f"{str(parent)!r} is an input and also the directory of the input {path!r}.",
                    advice="Give one of them another path.",
                )


def _check_parameters(parameters: dict[str, Any]) -> None:
    wrong = [name for name in parameters if not name.isidentifier() or keyword.iskeyword(name)]
    if wrong:
        raise BadRequestError(
            f"parameters: {wrong[0][:100]!r} is not a Python name.",
            advice="Name parameters as the code names them.",
        )
    try:
        size = len(json.dumps(parameters, allow_nan=True))
    except (ValueError, RecursionError) as error:
        raise BadRequestError(f"parameters cannot be written as JSON: {error}.") from error
    if size > MAX_PARAMETERS_BYTES:
        raise BadRequestError(
            f"parameters take {size} bytes, more than the {MAX_PARAMETERS_BYTES} allowed.",
            advice="Give large values as an input file.",
        )


def _faults(error: ValidationError) -> str:
    faults = []
    for fault in error.errors()[:10]:
        where = ".".join(str(part) for part in fault["loc"])[:200] or "inputs"
        if fault["type"] == "extra_forbidden":
            faults.append(f"{where} is not an input of this tool")
        elif fault["type"] == "missing":
            faults.append(f"{where} is missing")
        else:
            faults.append(f"{where}: {fault['msg'].removeprefix('Value error, ')}")
    return f"{'; '.join(faults)}."
