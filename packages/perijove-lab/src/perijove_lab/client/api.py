"""What a notebook finds ready, without an import. Every function imports what it needs when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from perijove_lab.client.datasets import Dataset, IdentifierType
    from perijove_lab.client.jobs import Job, JobList
    from perijove_lab.client.models import Model
    from perijove_lab.client.pipelines import PipelineRun


def get(
    datasets_identifiers: Any,
    identifier_type: IdentifierType = "hid",
    history_id: str | None = None,
    *,
    to: str | Path | None = None,
    server: str | None = None,
    key: str | None = None,
) -> Any:
    """Download datasets from a history: the path of the file, or a list of paths for a list.

    `get(12)`, `get([12, 13])`, `get("ct.h5")`, `get("ct.*", identifier_type="regex")`. A collection becomes a
    folder. Files lie in `imports/`, or where `to` says (a file, or a folder when it ends with `/`). What was
    downloaded before and not changed since is not downloaded again; what broke off is taken up.
    """
    from perijove_lab.client.connection import connect
    from perijove_lab.client.datasets import Dataset
    from perijove_lab.client.incoming import get_many

    several = isinstance(datasets_identifiers, list | tuple)
    wanted = list(datasets_identifiers) if several else [datasets_identifiers]
    known = next((one.connection for one in wanted if isinstance(one, Dataset)), None)
    connection = known if known and not (server or key) else connect(server, key)
    paths = get_many(connection, wanted, history_id=history_id, to=to, identifier_type=identifier_type)
    texts = [str(path) for path in paths]
    return texts[0] if len(texts) == 1 and (not several or len(wanted) == 1) else texts


def put(
    filenames: str | Path | Sequence[str | Path],
    file_type: str = "auto",
    history_id: str | None = None,
    *,
    collection: str | None = None,
    server: str | None = None,
    key: str | None = None,
) -> Any:
    """Upload files to a history: the dataset, or a list of datasets for several files.

    A folder becomes a list collection; so do several files (or a pattern such as `"slices/*.png"`) with
    `collection="name"`. A broken connection is taken up where it broke, also by a later call.
    """
    from perijove_lab.client.connection import connect
    from perijove_lab.client.outgoing import put_many

    names: list[Any] = list(filenames) if isinstance(filenames, list | tuple) else [filenames]
    made = put_many(
        connect(server, key), names, file_type=file_type, history_id=history_id, collection=collection
    )
    return made[0] if len(made) == 1 else made


def run_script_job(
    script_path: str | Path,
    data_dict: Sequence[str] | Mapping[str, Any] = [],
    server: str | None = None,
    key: str | None = None,
    new_history_name: str = "ml_analysis",
    tool_name: str = "run_jupyter_job",
) -> dict[str, Any]:
    """Send a notebook or script away with its data, and wait for it.

    Makes a new history, uploads the files of `data_dict` (the paths that the code names) and the code as it
    is, runs the tool. Returns `{"job_client": bioblend's JobsClient, "e_job": the tool's answer}`.
    `submit` does the same without waiting and with more to say.
    """
    from perijove_lab.client.script_job import run

    return run(script_path, list(data_dict), server, key, new_history_name, tool_name)


def submit(
    notebook: str | Path,
    inputs: Any = None,
    parameters: Mapping[str, Any] | None = None,
    resources: Mapping[str, Any] | str | None = None,
    history: str | None = None,
    *,
    flavor: str | None = None,
    network: Literal["open", "none"] | None = None,
    time_limit: float | None = None,
    name: str | None = None,
    kernel: str | None = None,
    engine: Literal["local", "galaxy"] | None = None,
    server: str | None = None,
    key: str | None = None,
) -> Job:
    """Send a notebook or script away as a job, and return at once.

    `inputs`: a list of paths as the code names them (folders too), or a dict from such a path to a file,
    a dataset or its number in the history. `parameters`: values for the cell tagged `parameters`.
    `resources`: `{"cpus": 4, "memory": "16G", "gpus": 1}`, or the name of a flavor. `history`: the name (made
    if there is none) or id; else the one used last. `time_limit` in seconds. `engine="galaxy"` runs it in the
    Galaxy account that is linked; the results come into the same history.

    Running the same cell again after an error takes the submission up where it stopped, and sends nothing
    twice.
    """
    from perijove_lab.client.connection import connect
    from perijove_lab.client.jobs import submit_job

    return submit_job(
        connect(server, key),
        notebook,
        inputs=inputs,
        parameters=parameters,
        resources=resources,
        flavor=flavor,
        history=history,
        network=network,
        time_limit=time_limit,
        name=name,
        kernel=kernel,
        engine=engine,
    )


def jobs(limit: int = 20, *, server: str | None = None, key: str | None = None) -> JobList:
    """Your own jobs, the newest first."""
    from perijove_lab.client.connection import connect
    from perijove_lab.client.jobs import list_jobs

    return list_jobs(connect(server, key), limit)


def job(id: str | None = None, *, server: str | None = None, key: str | None = None) -> Job:
    """The job with this id; without one, your newest. This is the way back after the lab was closed."""
    from perijove_lab.client.connection import connect
    from perijove_lab.client.jobs import find_job

    return find_job(connect(server, key), id)


def run_pipeline(
    path: str | Path,
    *,
    rerun: bool = False,
    history: str | None = None,
    server: str | None = None,
    key: str | None = None,
) -> PipelineRun:
    """Send a pipeline of notebooks (`….pipeline`, as Elyra saves it) away: each node a job. Returns at once.

    `run_pipeline("train.pipeline").wait()` shows the nodes until none moves any more. `rerun=True` runs on
    after mending: nodes that ended well and have not changed are not run again. `history`: the name (made if
    there is none) or id; else the one used last.
    """
    from pathlib import Path

    from perijove_lab.client.connection import connect
    from perijove_lab.client.pipelines import send_pipeline

    return send_pipeline(connect(server, key), Path(path).expanduser(), history=history, rerun=rerun)


def pipeline_run(path: str | Path, *, server: str | None = None, key: str | None = None) -> PipelineRun:
    """The last run of this pipeline. This is the way back after the lab was closed."""
    from pathlib import Path

    from perijove_lab.client.connection import connect
    from perijove_lab.client.pipelines import last_run

    return last_run(connect(server, key), Path(path).expanduser())


def load_model(source: str | Path | int | Dataset) -> Model:
    """An ONNX model ready to `.predict(x)`: from a path, a dataset, or its number or name in the history."""
    from perijove_lab.client.models import load_model as load

    return load(source)


def load_arrays(source: str | Path | int | Dataset) -> dict[str, Any]:
    """The variables in the HDF5 file that a job returned, by name: arrays, data frames, lists, numbers."""
    from perijove_lab.client.arrays import load_arrays as load

    return load(source)
