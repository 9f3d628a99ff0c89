"""What the dialog *Run remotely…* shows at first."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perijove_lab.client import inspection, records
from perijove_lab.client.connection import Connection
from perijove_lab.client.datasets import current_history
from perijove_lab.client.errors import LabError
from perijove_lab.client.submission import TOOL, inputs_taken

_OPTIONS = ("inputs", "parameters", "cpus", "memory", "gpus", "time_limit", "name")


def proposal(connection: Connection, file: Path) -> dict[str, Any]:
    """Inputs found, parameters, the history to choose, and what this server's tool takes.

    Whatever the server cannot say now is left out: the reason stands in `problem`.
    """
    code = inspection.cells(file)
    found = inspection.inputs(code, file.parent)
    proposed: dict[str, Any] = {
        "name": file.stem,
        "parameters": [asdict(one) for one in inspection.parameters(code) if _travels(one.value)],
        "history": None,
        "perijove": True,
        "takes": [],
        "problem": "",
    }
    try:
        proposed |= _of_server(connection)
    except LabError as error:
        proposed["problem"] = str(error)
    history = proposed["history"]
    proposed["inputs"] = [
        asdict(one) | {"sent": _was_sent(connection, history, file.parent / one.path)}
        for one in found
        if file.parent / one.path != file
    ]
    return proposed


def _of_server(connection: Connection) -> dict[str, Any]:
    history = current_history(connection)
    if connection.is_perijove:
        return {"history": history, "perijove": True, "takes": [*_OPTIONS, "flavor", "network"]}
    taken = inputs_taken(connection, TOOL)
    return {"history": history, "perijove": False, "takes": [one for one in _OPTIONS if one in taken]}


def _was_sent(connection: Connection, history: str | None, file: Path) -> bool:
    """Whether this very file was sent to the history before, as far as the client remembers."""
    if history is None or not file.is_file():
        return False
    name = records.digest(connection.url, history, records.file_identity(file))
    return "id" in records.load("sent", name)


def _travels(value: Any) -> bool:
    with suppress(TypeError, ValueError):
        return bool(json.dumps(value, allow_nan=False))
    return False
