"""From a job directory to what `run_jupyter_job` takes on a Galaxy (galaxy/run_jupyter_job.xml)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perijove.engines.base import EngineJob
from perijove.engines.galaxy.errors import GalaxyRefusedError

_REPEAT = re.compile(r"^inputs_\d+\|.*$")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file of the job; `path` is the one that the code names, empty for the code itself."""

    source: Path
    name: str
    ext: str
    path: str = ""


def uploads(job: EngineJob) -> list[Upload]:
    """The code, then the inputs, as `job.json` lists them."""
    description = _description(job)
    code = description["code"]
    ext = "ipynb" if str(code["name"]).endswith(".ipynb") else "txt"
    first = Upload(source=Path(code["path"]), name=str(code["name"]), ext=ext)
    rest = [
        Upload(source=Path(given["source"]), name=str(given["name"]), ext="auto", path=str(given["path"]))
        for given in description["inputs"]
    ]
    return [first, *rest]


def tool_inputs(job: EngineJob, paths: Sequence[str], datasets: Sequence[str]) -> dict[str, Any]:
    """The tool's inputs, flat as its form has them; `paths` and `datasets` in the order of `uploads`."""
    description = _description(job)
    asked: dict[str, Any] = {"select_file": _reference(datasets[0]), "submission_id": job.id, **job.asked}
    for index, (path, dataset) in enumerate(zip(paths[1:], datasets[1:], strict=True)):
        asked[f"inputs_{index}|path"] = path
        asked[f"inputs_{index}|dataset"] = _reference(dataset)
    if description["parameters"]:
        asked["parameters"] = json.dumps(description["parameters"])
    if description["kernel"]:
        asked["kernel"] = description["kernel"]
    if job.time_limit:
        asked["time_limit"] = job.time_limit
    return asked


def check_takes(asked: dict[str, Any], taken: set[str], url: str) -> None:
    """GalaxyRefusedError for what the tool there does not take: a Galaxy drops it without a word."""
    missing = sorted({_REPEAT.sub("inputs", name) for name in asked} - taken)
    if missing:
        raise GalaxyRefusedError(
            f"The tool of {url} does not take {', '.join(missing)}.",
            advice="Leave it out here, or ask its administrator for Perijove's version of the tool.",
        )


def _reference(dataset: str) -> dict[str, str]:
    return {"src": "hda", "id": dataset}


def _description(job: EngineJob) -> dict[str, Any]:
    return dict(json.loads((job.directory / "job.json").read_text()))
