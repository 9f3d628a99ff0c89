"""A stand-in for `perijove_lab.runner`: runs the code as a script, with the standard library alone.

It keeps the contract of docs/reference/job-contract.md: links inputs, sets parameters as globals, writes
`executed.ipynb`, the manifest and the exit code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path


def main(path: str) -> int:
    spec = json.loads(Path(path).read_text())
    out, work = Path(spec["out"]), Path(spec["work"])
    os.chdir(work)
    for given in spec["inputs"]:
        target = work / given["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(given["source"])
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    (out / "progress.jsonl").write_text(json.dumps({"time": time.time(), "phase": "execute"}) + "\n")
    source = code_of(spec["code"])
    save_notebook(out, source, "")
    scope = {"__name__": "__main__", **spec["parameters"]}
    error = None
    try:
        exec(compile(source, spec["code"]["name"], "exec"), scope)
    except BaseException as failure:
        error = {
            "type": type(failure).__name__,
            "message": str(failure),
            "advice": "",
            "cell": 0,
            "traceback": traceback.format_exc(),
        }
    save_notebook(out, source, "" if error is None else error["traceback"])
    outputs = [{"name": "executed notebook", "file": "executed.ipynb", "ext": "ipynb", "role": "notebook"}]
    outputs += scope.get("EXTRA_OUTPUTS", [])
    for file in sorted((work / "outputs").rglob("*")):
        if file.is_file() and not file.is_symlink():
            name = str(file.relative_to(work / "outputs"))
            outputs.append(
                {
                    "name": f"outputs/{name}",
                    "file": f"work/outputs/{name}",
                    "ext": "auto",
                    "role": "file",
                    "collection": "outputs",
                    "element": name,
                }
            )
    manifest = {
        "version": 1,
        "state": "ok" if error is None else "error",
        "error": error,
        "outputs": outputs,
        "unsaved": [],
        "provenance": {"python": sys.version.split()[0]},
    }
    part = out / ".manifest.part"
    part.write_text(scope.get("RAW_MANIFEST") or json.dumps(manifest))
    part.replace(out / "manifest.json")
    return 0 if error is None else 1


def code_of(code: dict[str, str]) -> str:
    text = Path(code["path"]).read_text()
    if not code["name"].endswith(".ipynb"):
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def save_notebook(out: Path, source: str, output: str) -> None:
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
