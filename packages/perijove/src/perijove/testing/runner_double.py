"""A stand-in for `perijove_lab.runner`: runs the code as a script, with the standard library alone.

It keeps the contract of docs/reference/job-contract.md: links inputs, sets parameters as globals, writes
`executed.ipynb`, the manifest and the exit code. Code may set `EXTRA_OUTPUTS` (entries of the manifest) and
`RAW_MANIFEST` (the manifest's whole text), to be as odd as a test needs it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any


def main(path: str) -> int:
    """Run the job that `path` describes; the exit code."""
    spec = json.loads(Path(path).read_text())
    out, work = Path(spec["out"]), Path(spec["work"])
    os.chdir(work)
    _link_inputs(work, spec["inputs"])
    signal.signal(signal.SIGTERM, _interrupt)
    (out / "progress.jsonl").write_text(json.dumps({"time": time.time(), "phase": "execute"}) + "\n")
    source = _source(spec["code"])
    _save_notebook(out, source, "")
    scope: dict[str, Any] = {"__name__": "__main__", **spec["parameters"]}
    error = _run(source, spec["code"]["name"], scope)
    _save_notebook(out, source, error["traceback"] if error else "")
    part = out / ".manifest.part"
    part.write_text(scope.get("RAW_MANIFEST") or json.dumps(_manifest(work, scope, error)))
    part.replace(out / "manifest.json")
    return 1 if error else 0


def _link_inputs(work: Path, inputs: list[dict[str, str]]) -> None:
    for given in inputs:
        target = work / given["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(given["source"])


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _source(code: dict[str, str]) -> str:
    text = Path(code["path"]).read_text()
    if not code["name"].endswith(".ipynb"):
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def _run(source: str, name: str, scope: dict[str, Any]) -> dict[str, Any] | None:
    try:
        exec(compile(source, name, "exec"), scope)  # noqa: S102 (to run code is what a runner is for)
    except BaseException as failure:
        return {
            "type": type(failure).__name__,
            "message": str(failure),
            "advice": "",
            "cell": 0,
            "traceback": traceback.format_exc(),
        }
    return None


def _save_notebook(out: Path, source: str, output: str) -> None:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "execution_count": 1,
        "source": source,
        "outputs": [{"output_type": "stream", "name": "stdout", "text": output}],
    }
    part = out / ".executed.part"
    part.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    part.replace(out / "executed.ipynb")


def _manifest(work: Path, scope: dict[str, Any], error: dict[str, Any] | None) -> dict[str, Any]:
    folder = work / "outputs"
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return {
        "version": 1,
        "state": "error" if error else "ok",
        "error": error,
        "outputs": [
            {"name": "executed notebook", "file": "executed.ipynb", "ext": "ipynb", "role": "notebook"},
            *scope.get("EXTRA_OUTPUTS", []),
            *(_output(str(path.relative_to(folder))) for path in files),
        ],
        "unsaved": [],
        "provenance": {"python": sys.version.split()[0], "packages": {"runner-double": "1.0"}},
    }


def _output(name: str) -> dict[str, str]:
    return {
        "name": f"outputs/{name}",
        "file": f"work/outputs/{name}",
        "ext": "auto",
        "role": "file",
        "collection": "outputs",
        "element": name,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
