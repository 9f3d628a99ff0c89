"""Sending a notebook or script away, as the dialog *Run remotely…* asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from perijove_lab.client import display
from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import InputError, LabError
from perijove_lab.client.submission import (
    TOOL,
    Request,
    code_file,
    input_map,
    job_id,
    json_parameters,
    resource_options,
    send,
)

Tell = Callable[[dict[str, Any]], None]
_PLAIN = ("name", "time_limit", "network")


class StoppedSendingError(LabError):
    """The user has closed the dialog."""


def submit(
    connection: Connection, file: Path, asked: Mapping[str, Any], tell: Tell, stopped: threading.Event
) -> str:
    """Upload what is needed and submit the job; its id. `tell` gets `{"text", "fraction"}` on the way.

    Raises LabError; what was uploaded by then is not uploaded again.
    """

    def show(progress: display.Progress) -> None:
        if stopped.is_set():
            raise StoppedSendingError("Stopped. What was uploaded is kept.")
        tell({"text": f"{progress.label}: {progress.text}", "fraction": progress.fraction})

    request = _request(file, asked)
    with display.shown_by(show):
        answer = send(connection, request, told=lambda _: _check(stopped))
    return job_id(answer, TOOL)


def _check(stopped: threading.Event) -> None:
    if stopped.is_set():
        raise StoppedSendingError("Stopped. What was uploaded is kept.")


def _request(file: Path, asked: Mapping[str, Any]) -> Request:
    code = code_file(file)
    paths = asked.get("inputs") or []
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InputError("inputs is a list of paths.")
    parameters = asked.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InputError("parameters is an object.")
    plain = json_parameters(parameters)
    options = {name: asked[name] for name in _PLAIN if asked.get(name) not in (None, "")}
    amounts = {name: asked[name] for name in ("cpus", "memory", "gpus") if asked.get(name) not in (None, "")}
    options |= resource_options(amounts or None, str(asked.get("flavor") or "") or None)
    return Request(
        code=code,
        inputs=input_map({path: file.parent / path for path in paths}),
        options=options | ({"parameters": plain} if plain else {}),
        history=str(asked.get("history") or "") or None,
    )
