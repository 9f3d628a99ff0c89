"""The same notebooks as plain scripts, outside of the platform: what `--compare` measures against."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perijove.core.errors import EngineError, NotFoundError
from perijove.demo.notebook import as_script

TRAIN, PREDICT, DATA = "2_train.ipynb", "4_predict.ipynb", "data/ct.h5"
FILES = (TRAIN, PREDICT, "ctseg.py", "pictures.py", DATA)
# What a lab's kernel has without an import.
_READY = "from perijove_lab import load_model\n\n"
Row = dict[str, Any]


def scores_outside(python: Path, files: Mapping[str, bytes], parameters: Mapping[str, Any]) -> list[Row]:
    """Train and predict with `python` in a folder that holds only `files`: the table of scores."""
    if not python.exists():
        raise NotFoundError(
            f"There is no interpreter {python}.", advice="`perijove env list` shows what is installed."
        )
    with tempfile.TemporaryDirectory(prefix="perijove-demo-") as folder:
        place = Path(folder)
        for name, content in files.items():
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_bytes(content)
        _run(python, place, "train.py", as_script(json.loads(files[TRAIN]), parameters))
        _run(python, place, "predict.py", _READY + as_script(json.loads(files[PREDICT])))
        return list(json.loads((place / "outputs" / "scores.json").read_text()))


def _run(python: Path, place: Path, name: str, source: str) -> None:
    (place / name).write_text(source)
    environment = {**os.environ, "MPLBACKEND": "Agg", "PYTHONNOUSERSITE": "1"}
    done = subprocess.run(
        [str(python), name], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise EngineError(
            f"{name} failed outside: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
        )


def largest_difference(inside: list[Row], outside: list[Row]) -> float:
    """The largest difference of any figure of any row."""
    if [row["patient"] for row in inside] != [row["patient"] for row in outside]:
        raise EngineError("The two tables are not about the same patients.")
    names = ("precision", "recall", "dice", "iou")
    return max(float(abs(a[name] - b[name])) for a, b in zip(inside, outside, strict=True) for name in names)
