"""From the outputs of a Galaxy job to `out/` with a manifest, as the runner writes it here.

What a Galaxy says is a stranger's: names become names of outputs, never of files.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perijove.core.errors import TooLargeError
from perijove.engines.galaxy import progress
from perijove.engines.galaxy.errors import GalaxyRefusedError
from perijove.engines.galaxy.remote import RemoteGalaxy

PENDING = ("new", "upload", "queued", "running", "setting_metadata", "waiting")
_REPORT = "datasets/report.json"
_SINGLE = {
    "executed_notebook": ("notebook", "executed.ipynb", "ipynb"),
    "arrays": ("arrays", "datasets/arrays.h5", "h5"),
    "report": ("report", _REPORT, "json"),
}
_FILES = "files"
_ERROR = "perijove-error: "
_EXT = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
_LARGEST_REPORT = 64 << 20


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """An output of the job that is there: Galaxy's dataset and the manifest's entry."""

    dataset: Mapping[str, Any]
    entry: dict[str, Any]


def bring(remote: RemoteGalaxy, details: Mapping[str, Any], directory: Path, *, limit: int) -> bool:
    """Fetch what the ended job made and write the manifest; False where its outputs are not ready yet.

    Harmless to repeat. What that Galaxy does not give is told as unsaved. Raises GalaxyAwayError,
    GalaxyKeyError, and OSError where the disk fails.
    """
    found = [*_single(remote, details), *_elements(remote, details)]
    if any(one.dataset.get("state") in PENDING for one in found):
        return False
    out = directory / "out"
    (out / "datasets").mkdir(exist_ok=True)
    wanted, lost = list[_Wanted](), list[dict[str, str]]()
    for one in found:
        if not _has_content(one.dataset):
            continue
        try:
            remote.download(one.dataset, out / str(one.entry["file"]), limit=limit)
        except (GalaxyRefusedError, TooLargeError) as error:
            lost.append({"name": one.entry["name"], "type": "output", "reason": str(error)})
        else:
            wanted.append(one)
    manifest = _manifest(remote.url, details, wanted, lost, out)
    _write(directory / "log", _log(details).encode())
    _write(out / "manifest.json", json.dumps(manifest).encode())
    return True


def _single(remote: RemoteGalaxy, details: Mapping[str, Any]) -> Iterator[_Wanted]:
    for name, reference in (details.get("outputs") or {}).items():
        if name in _SINGLE:
            role, file, ext = _SINGLE[name]
            entry = {"name": name.replace("_", " "), "file": file, "ext": ext, "role": role}
            yield _Wanted(dataset=remote.dataset(str(reference["id"])), entry=entry)


def _elements(remote: RemoteGalaxy, details: Mapping[str, Any]) -> Iterator[_Wanted]:
    """The elements of `models` and `files`; a model of several files is a collection of another name."""
    number = 0
    for name, reference in (details.get("output_collections") or {}).items():
        for element in remote.collection(str(reference["id"])).get("elements") or ():
            dataset = remote.dataset(str(element["object"]["id"]))
            identifier = str(element["element_identifier"])
            entry = {"file": f"datasets/{number}", "ext": _ext(dataset), "element": identifier}
            entry |= _place(str(name), identifier)
            yield _Wanted(dataset=dataset, entry=entry)
            number += 1


def _place(collection: str, identifier: str) -> dict[str, Any]:
    if collection == _FILES:
        return {"name": f"outputs/{identifier}", "role": "file", "collection": "outputs"}
    own = {} if collection == "models" else {"collection": collection[:255]}
    return {"name": identifier, "role": "model", **own}


def _ext(dataset: Mapping[str, Any]) -> str:
    ext = str(dataset.get("file_ext") or dataset.get("extension") or "")
    return ext if _EXT.match(ext) and ext != "data" else "auto"


def _has_content(dataset: Mapping[str, Any]) -> bool:
    """A Galaxy keeps an empty dataset of what was not made, and calls all outputs of a failed job broken."""
    return dataset.get("state") in ("ok", "error") and bool(dataset.get("file_size"))


def _manifest(
    url: str,
    details: Mapping[str, Any],
    wanted: list[_Wanted],
    lost: list[dict[str, str]],
    out: Path,
) -> dict[str, Any]:
    report = _report(out)
    provenance, unsaved = report.get("provenance"), report.get("unsaved")
    there = {"url": url, "job": str(details.get("id")), "history": str(details.get("history_id"))}
    known = {
        "unsaved": [*(unsaved if isinstance(unsaved, list) else []), *lost],
        "provenance": {**(provenance if isinstance(provenance, dict) else {}), "galaxy": there},
    }
    if report:  # what is published of it says where the job ran
        _write(out / _REPORT, json.dumps({**report, **known}, indent=1).encode())
    return {
        "version": 1,
        "state": "ok" if details.get("state") == "ok" else "error",
        "error": None if details.get("state") == "ok" else _error(url, details),
        "outputs": [one.entry for one in wanted],
        **known,
    }


def _report(out: Path) -> dict[str, Any]:
    path = out / _REPORT
    try:
        found = json.loads(path.read_bytes()) if path.stat().st_size <= _LARGEST_REPORT else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _error(url: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Why it failed: in the tool's own words, else in Galaxy's."""
    told = (details.get("perijove") or {}).get("error") or _told(_stderr(details), _ERROR)
    if isinstance(told, dict):
        return told
    lines = _people(_stderr(details)).splitlines()
    message = lines[-1] if lines else f"The job failed on {url} with exit code {details.get('exit_code')}."
    return {"type": "GalaxyJobFailed", "message": message, "advice": "Look at the end of the job's log."}


def _told(text: str, mark: str) -> Any:
    for line in reversed(text.splitlines()):
        if line.startswith(mark):
            try:
                return json.loads(line.removeprefix(mark))
            except (ValueError, RecursionError):
                continue
    return None


def _stderr(details: Mapping[str, Any]) -> str:
    return str(details.get("tool_stderr") or details.get("stderr") or "")


def _people(text: str) -> str:
    """The text without the lines that are meant for programs."""
    return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith((_ERROR, progress.MARK)))


def _log(details: Mapping[str, Any]) -> str:
    stdout = str(details.get("tool_stdout") or details.get("stdout") or "")
    return _people(stdout) + _people(_stderr(details))


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
