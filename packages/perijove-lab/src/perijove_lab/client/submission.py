"""From what a user says to what the tool `run_jupyter_job` takes; each step may be repeated without harm.

A submission has an id before anything is sent, kept on disk until the server has answered. Whoever runs the
same cell again after a failure takes it up where it stopped: no second history, upload or job.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from perijove_lab.client import records
from perijove_lab.client.connection import Connection, persevering
from perijove_lab.client.datasets import Dataset, by_id, current_history, find
from perijove_lab.client.errors import AwayError, InputError, LabError, MissingError, RefusedError
from perijove_lab.client.outgoing import Item, put_file

TOOL = "run_jupyter_job"
_BROKEN = ("error", "discarded", "paused", "failed_metadata")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a user asked for. `inputs`: from the path that the code names to a local file or a dataset."""

    code: Path
    inputs: Mapping[str, Path | Dataset | int | str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    history: str | None = None
    tool: str = TOOL
    basic: bool = False
    """Only the original tool's three inputs."""

    def digest(self, url: str) -> str:
        """The same for the same request about the same, unchanged files."""
        files = [
            (path, records.file_identity(source) if isinstance(source, Path) else str(source))
            for path, source in sorted(self.inputs.items())
        ]
        code = records.file_identity(self.code)
        return records.digest(url, code, files, dict(self.options), self.history, self.tool)


def code_file(notebook: str | Path) -> Path:
    """The notebook or script, which must be there and hold something."""
    path = Path(notebook).expanduser()
    if not path.is_file():
        raise InputError(f"There is no file {path}.", advice=f"The notebook's folder is {Path.cwd()}.")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty.", advice="Save it in JupyterLab, then send it again.")
    return path


def input_map(inputs: object) -> dict[str, Path | Dataset | int | str]:
    """`inputs` of `submit` as path → source. A folder stands for every file in it.

    InputError for a path that cannot be staged: not relative to the notebook's folder, or leaving it.
    """
    if inputs is None:
        return {}
    if isinstance(inputs, (str, Path)):
        inputs = [inputs]
    if isinstance(inputs, Mapping):
        pairs = [pair for path, source in inputs.items() for pair in _from_mapping(str(path), source)]
    elif isinstance(inputs, Iterable):
        pairs = [pair for path in inputs for pair in _from_list(path)]
    else:
        raise InputError("inputs is a list of paths, or a dict from path to file, dataset or number.")
    return {checked_path(path): source for path, source in pairs}


def _from_list(path: object) -> list[tuple[str, Path | Dataset | int | str]]:
    if isinstance(path, Dataset):
        return [(path.name, path)]
    if not isinstance(path, (str, Path)):
        raise InputError(f"{path!r} is no path.", advice="For a dataset write {'data/ct.h5': 12}.")
    return _local(str(path), Path(path).expanduser())


def _from_mapping(path: str, source: object) -> list[tuple[str, Path | Dataset | int | str]]:
    if isinstance(source, Path) or (isinstance(source, str) and Path(source).expanduser().exists()):
        return _local(path, Path(source).expanduser())
    if isinstance(source, (Dataset, str)) or (isinstance(source, int) and not isinstance(source, bool)):
        return [(path, source)]
    raise InputError(f"{source!r} is neither a file nor a dataset nor a number in the history.")


def _local(path: str, file: Path) -> list[tuple[str, Path | Dataset | int | str]]:
    if file.is_file():
        return [(path, file)]
    if not file.is_dir():
        raise InputError(f"There is no file {file}.", advice=f"The notebook's folder is {Path.cwd()}.")
    inner = sorted(found for found in file.rglob("*") if found.is_file())
    if not inner:
        raise InputError(f"The folder {file} holds no files.")
    return [(str(PurePosixPath(path, found.relative_to(file).as_posix())), found) for found in inner]


def checked_path(path: str) -> str:
    """`path` as a plain relative path."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or path.startswith("~") or ".." in pure.parts or not pure.parts:
        raise InputError(
            f"{path} cannot be given to a job: it does not lie in the notebook's folder.",
            advice="The code must name its data by a path like data/ct.h5, here and in the lab alike; "
            "give {'data/ct.h5': 'where/it/lies.h5'} to bring a file from elsewhere.",
        )
    return str(pure)


def resource_options(resources: Mapping[str, Any] | str | None, flavor: str | None) -> dict[str, Any]:
    """`cpus`, `memory`, `gpus`, or `flavor`."""
    if isinstance(resources, str):
        resources, flavor = None, resources
    if resources and flavor:
        raise InputError("Give resources or a flavor, not both.")
    unknown = sorted(set(resources or {}) - {"cpus", "memory", "gpus"})
    if unknown:
        raise InputError(
            f"{unknown[0]!r} is no resource.", advice="Resources are cpus, memory (as '8G') and gpus."
        )
    return dict(resources or {}) | ({"flavor": flavor} if flavor else {})


def json_parameters(parameters: Mapping[str, Any] | None) -> dict[str, Any]:
    """Parameters as they travel: plain values, NumPy's numbers among them."""
    given = dict(parameters or {})
    for name in given:
        if not str(name).isidentifier():
            raise InputError(f"{name!r} is not a name of a variable.")
    try:
        return dict(json.loads(json.dumps(given, default=_plain)))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"A parameter cannot be sent: {error}.",
            advice="Parameters are numbers, texts, lists and dicts; give arrays as an input file.",
        ) from error


def _plain(value: Any) -> Any:
    for method in ("tolist", "item"):
        if hasattr(value, method):
            return getattr(value, method)()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a {type(value).__name__} is not plain data")


# ------------------------------------------------------------------ sending


def send(
    connection: Connection,
    request: Request,
    *,
    new_history: bool = False,
    told: Callable[[str], object] = lambda _: None,
) -> dict[str, Any]:
    """Upload what is needed and run the tool. Returns the tool's answer, as Galaxy gives it.

    `new_history`: the request's history is made anew, even where one of that name exists. `told` gets a word
    on each step done.
    """
    pending = Pending.of(connection, request)
    history = _history(connection, request.history, pending, new_history=new_history)
    inputs = []
    for path, source in request.inputs.items():
        inputs.append((path, staged(connection, source, path, history)))
        told("Data file uploaded")
    code = staged(connection, request.code, request.code.name, history)
    told("Uploaded code")
    current_history(connection, history)  # deleted meanwhile: a Galaxy would run the job all the same
    answer = execute(connection, request, history, code, inputs, pending)
    pending.done()
    return answer


class Pending:
    """A submission that the server has not answered yet, remembered on disk."""

    def __init__(self, name: str, record: dict[str, Any]) -> None:
        self._name = name
        self.record = record

    @classmethod
    def of(cls, connection: Connection, request: Request) -> Pending:
        """The one that an earlier, failed call of the same request left; else a new one."""
        return cls.named(request.digest(connection.url))

    @classmethod
    def named(cls, name: str) -> Pending:
        """The one of that name; a new one where none is left."""
        found = records.load("submissions", name)
        pending = cls(name, found or {"submission_id": uuid.uuid4().hex})
        pending.note()
        return pending

    @property
    def submission_id(self) -> str:
        """The same for every attempt."""
        return str(self.record["submission_id"])

    def note(self, **facts: Any) -> None:
        """Keep what is known now."""
        self.record.update(facts)
        records.save("submissions", self._name, self.record)

    def done(self) -> None:
        """The server has answered: the same request later is a new one."""
        records.forget("submissions", self._name)


def _history(connection: Connection, wanted: str | None, pending: Pending, *, new_history: bool) -> str:
    if known := pending.record.get("history_id"):
        return current_history(connection, str(known))
    if wanted is None:
        history = current_history(connection)
    elif new_history:
        history = _create_once(connection, wanted, pending)
    else:
        history = history_named(connection, wanted, pending)
    pending.note(history_id=history)
    return history


def history_named(connection: Connection, wanted: str, pending: Pending) -> str:
    """The id of the user's own history of that id or name; made once where there is none."""
    with connection.translated():
        mine = connection.gi.histories.get_histories()
    for key in ("id", "name"):
        for entry in mine:
            if entry.get(key) == wanted:
                return str(entry["id"])
    return _create_once(connection, wanted, pending)


def _create_once(connection: Connection, name: str, pending: Pending) -> str:
    """A new history. Where the answer got lost, the one that has appeared since is taken."""
    before = pending.record.get("histories_before")
    now = _named(connection, name)
    if before is not None and (made := [one for one in now if one not in before]):
        return made[0]
    pending.note(histories_before=now)
    with connection.translated():
        return str(connection.gi.histories.create_history(name)["id"])


def _named(connection: Connection, name: str) -> list[str]:
    with connection.translated():
        return [str(entry["id"]) for entry in connection.gi.histories.get_histories(name=name)]


def staged(connection: Connection, source: Path | Dataset | int | str, path: str, history: str) -> Dataset:
    """The dataset for an input: uploaded, unless this very file already lies in the history."""
    if not isinstance(source, Path):
        return _usable(connection, find(connection, history, source)[0])
    name = records.digest(connection.url, history, records.file_identity(source))
    known = records.load("sent", name).get("id")
    if known and (dataset := _still_there(connection, str(known))):
        return dataset
    dataset = put_file(connection, Item(source, path), history)
    records.save("sent", name, {"id": dataset.id})
    return dataset


def _usable(connection: Connection, dataset: Dataset) -> Dataset:
    """`dataset` as it is now. InputError for one that no job can read: a Galaxy would pause the job."""
    now = by_id(connection, dataset.id) if dataset.src == "hda" else dataset
    if now.deleted or now.state in _BROKEN:
        why = "was deleted" if now.deleted else f"is in state {now.state}"
        raise InputError(
            f"{now.name!r} cannot be an input: it {why}.",
            advice="Undelete it, or make it again; what was uploaded for this job is kept.",
        )
    return now


def _still_there(connection: Connection, dataset_id: str) -> Dataset | None:
    try:
        dataset = by_id(connection, dataset_id)
    except AwayError:
        raise
    except LabError:
        return None
    return dataset if dataset.state == "ok" and not dataset.deleted else None


def execute(
    connection: Connection,
    request: Request,
    history: str,
    code: Dataset,
    inputs: Sequence[tuple[str, Dataset]],
    pending: Pending,
) -> dict[str, Any]:
    """Run the tool once, however often this is called for one submission."""
    asked = {"select_file": code.reference()} | dict(request.options)
    if connection.is_perijove:
        asked |= {"submission_id": pending.submission_id}
        asked |= _in_pairs(inputs) if request.basic else _in_list(inputs)
        return persevering(lambda: _run(connection, history, request.tool, asked))
    takes = inputs_taken(connection, request.tool)
    _refuse_unknown(connection, request.tool, set(asked) - takes)
    if "parameters" in asked:
        asked["parameters"] = json.dumps(asked["parameters"])
    asked |= _in_repeat(inputs) if "inputs" in takes and not request.basic else _in_pairs(inputs)
    if "submission_id" in takes:
        asked["submission_id"] = pending.submission_id
    return _run_once(connection, history, request.tool, asked, pending)


def _in_repeat(inputs: Sequence[tuple[str, Dataset]]) -> dict[str, Any]:
    """As the tool's form has them on a Galaxy."""
    return {
        f"inputs_{index}|{name}": value
        for index, (path, one) in enumerate(inputs)
        for name, value in (("path", path), ("dataset", one.reference()))
    }


def _in_list(inputs: Sequence[tuple[str, Dataset]]) -> dict[str, Any]:
    return {"inputs": [{"path": path} | one.reference() for path, one in inputs]} if inputs else {}


def _in_pairs(inputs: Sequence[tuple[str, Dataset]]) -> dict[str, Any]:
    """The original tool's two inputs."""
    if comma := next((path for path, _ in inputs if "," in path), None):
        raise InputError(f"This server cannot take the path {comma}: it holds a comma.")
    if not inputs:
        return {"ml_h5_dataset_paths": None, "ml_h5_datasets": None}
    return {
        "ml_h5_dataset_paths": ",".join(path for path, _ in inputs),
        "ml_h5_datasets": [one.reference() for _, one in inputs],
    }


def inputs_taken(connection: Connection, tool: str) -> set[str]:
    """Names of the tool's inputs. MissingError where this Galaxy has no such tool."""
    try:
        with connection.translated():
            shown = connection.gi.tools.show_tool(tool, io_details=True)
    except (MissingError, RefusedError) as error:
        raise MissingError(
            f"{connection.url} has no tool {tool}, or not for you.",
            advice="Ask its administrator to install it: docs/operators/galaxy.md says how.",
        ) from error
    return {str(entry.get("name")) for entry in shown.get("inputs") or []}


def _refuse_unknown(connection: Connection, tool: str, extra: set[str]) -> None:
    """Galaxy drops inputs that a tool does not have without a word; a training is too long for that."""
    if extra:
        raise InputError(
            f"The tool {tool} of {connection.url} does not take {', '.join(sorted(extra))}.",
            advice="Leave it out here, or ask the administrator for Perijove's version of the tool.",
        )


def _run(connection: Connection, history: str, tool: str, inputs: dict[str, Any]) -> dict[str, Any]:
    with connection.translated():
        return connection.gi.tools.run_tool(history, tool, inputs)


def _run_once(
    connection: Connection, history: str, tool: str, inputs: dict[str, Any], pending: Pending
) -> dict[str, Any]:
    """A job that appeared since a lost answer is taken as ours; told by the submission id that it carries."""
    before = pending.record.get("jobs_before")
    now = _job_ids(connection, history, tool)
    for job in set(now).difference(before) if before is not None else ():
        if _is_ours(connection, job, inputs.get("submission_id")):
            return _as_answer(connection, job)
    pending.note(jobs_before=now)
    return _run(connection, history, tool, inputs)


def _is_ours(connection: Connection, job: str, submission: str | None) -> bool:
    if submission is None:
        return True
    with connection.translated():
        params = connection.gi.jobs.show_job(job, full_details=True).get("params") or {}
    return submission in str(params.get("submission_id"))


def _job_ids(connection: Connection, history: str, tool: str) -> list[str]:
    with connection.translated():
        return [str(job["id"]) for job in connection.gi.jobs.get_jobs(history_id=history, tool_id=tool)]


def _as_answer(connection: Connection, job_id: str) -> dict[str, Any]:
    with connection.translated():
        job = connection.gi.jobs.show_job(job_id, full_details=True)
    outputs = [{"output_name": name} | one for name, one in (job.get("outputs") or {}).items()]
    return {"jobs": [job], "outputs": outputs, "output_collections": [], "implicit_collections": []}


def job_id(answer: Mapping[str, Any], tool: str) -> str:
    """The id of the job in a tool's answer."""
    jobs = answer.get("jobs") or []
    if not jobs:
        raise RefusedError(f"The server took the request but started no job of {tool}.")
    return str(jobs[0]["id"])
