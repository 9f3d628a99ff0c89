"""From the runner's manifest to what Galaxy collects: files under fixed names, and `galaxy.json`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from perijove_lab.galaxy.page import write_page

FOLDER = "results"
# Of Galaxy's types, those that such jobs make.
_KNOWN = {
    *("onnx", "h5", "ipynb", "json", "csv", "tabular", "txt", "html", "pdf", "zip", "tar", "npz", "xlsx"),
    *("png", "jpg", "svg", "tiff", "gif", "fasta", "pdb"),
}


def write(here: Path) -> None:
    """Lay out what there is below `here`; nothing is copied. What was not produced gets no file."""
    (here / FOLDER).mkdir(exist_ok=True)
    outputs = _outputs(here)
    for entry in outputs:
        if entry["role"] == "arrays":
            _link(_file(here, entry), here / FOLDER / "arrays.h5")
        elif entry["role"] == "report":
            _link(_file(here, entry), here / FOLDER / "report.json")
    collections = {"models": ("model",), "files": ("file",), "outputs": ("file", "model", "arrays")}
    _provide(
        here,
        {
            name: [_element(here, one) for one in outputs if one["role"] in roles]
            for name, roles in collections.items()
        },
    )
    write_page(here / "out" / "executed.ipynb", here / FOLDER / "report.html")


def write_collection(here: Path) -> None:
    """Of a lab: what lies below `lab/outputs`, and every notebook but the checkpoints."""
    lab = here / "lab"
    books = [path for path in lab.rglob("*.ipynb") if not _is_aside(path.relative_to(lab))]
    files = [path for path in (lab / "outputs").rglob("*") if not _is_aside(path.relative_to(lab))]
    elements = [
        {
            "name": path.relative_to(lab).as_posix().removeprefix("outputs/"),
            "filename": path.relative_to(here).as_posix(),
            "ext": _ext(path, "auto"),
        }
        for path in sorted({*books, *files})
        if _is_plain(path)
    ]
    _provide(here, {"outputs": elements})


def _is_aside(path: Path) -> bool:
    return path.parts[0] == "data" or any(part.startswith(".") for part in path.parts)


def _provide(here: Path, collections: dict[str, list[dict[str, Any]]]) -> None:
    """For Galaxy; whole at any moment."""
    new = here / "galaxy.json.new"
    provided = {name: {"elements": elements} for name, elements in collections.items()}
    new.write_text(json.dumps(provided), encoding="utf-8")
    os.replace(new, here / "galaxy.json")


def error(here: Path) -> dict[str, Any] | None:
    """Why the job failed, as the manifest says it."""
    found = _manifest(here).get("error")
    return found if isinstance(found, dict) else None


def _manifest(here: Path) -> dict[str, Any]:
    try:
        found = json.loads((here / "out" / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _outputs(here: Path) -> list[dict[str, Any]]:
    """The manifest's outputs that are there; of a runner that was killed, the files it had written."""
    manifest = _manifest(here)
    if not manifest:
        found = sorted((here / "work" / "outputs").rglob("*"))
        return [_salvaged(here, path) for path in found if _is_plain(path)]
    return [one for one in manifest.get("outputs", []) if _is_plain(_file(here, one))]


def _is_plain(path: Path) -> bool:
    """A file itself: a link could lead anywhere."""
    return path.is_file() and not path.is_symlink()


def _salvaged(here: Path, path: Path) -> dict[str, Any]:
    name = path.relative_to(here / "work" / "outputs").as_posix()
    return {"role": "file", "file": f"work/outputs/{name}", "element": name, "name": name, "ext": "auto"}


def _file(here: Path, entry: dict[str, Any]) -> Path:
    """Files of `outputs/` stay in the working directory; all else is in `out`."""
    name = str(entry["file"])
    return here / name if name.startswith("work/") else here / "out" / name


def _element(here: Path, entry: dict[str, Any]) -> dict[str, Any]:
    path = _file(here, entry)
    return {
        "name": str(entry.get("element") or entry["name"]),
        "filename": path.relative_to(here).as_posix(),
        "ext": _ext(path, str(entry.get("ext") or "auto")),
    }


def _ext(path: Path, declared: str) -> str:
    """A type that Galaxy knows; by the file's name where none was declared."""
    wanted = path.suffix.lstrip(".").lower() if declared == "auto" else declared
    return wanted if wanted in _KNOWN else "data"


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    os.link(source, target)
