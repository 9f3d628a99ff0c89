"""Cells run in a lab's kernel through its websocket, as JupyterLab runs them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketError, websocket_connect

from perijove.core.errors import EngineError
from perijove.demo.lab import Lab
from perijove.demo.notebook import Cell

CONNECT_SECONDS = 120.0


@dataclass
class Outputs:
    """What one cell showed."""

    text: str = ""
    pictures: list[str] = field(default_factory=list)  # PNG, base64
    error: str = ""


def run_cells(
    lab: Lab, kernel_id: str, cells: Sequence[Cell], *, patience: float = 600
) -> dict[str, Outputs]:
    """Run the cells in order: what each showed, by the cell's id. EngineError for the first that fails."""
    return asyncio.run(_run_cells(lab, kernel_id, cells, patience))


async def _run_cells(lab: Lab, kernel_id: str, cells: Sequence[Cell], patience: float) -> dict[str, Outputs]:
    socket = await _connect(lab, kernel_id)
    shown: dict[str, Outputs] = {}
    try:
        for number, cell in enumerate(cells, start=1):
            outputs = await asyncio.wait_for(_run(socket, cell.source), patience)
            shown[cell.id] = outputs
            if outputs.error:
                raise EngineError(f"cell {number} ({cell.id}) failed: {outputs.error}")
    except TimeoutError as error:
        raise EngineError(f"cell {cell.id} did not end within {patience:.0f} seconds.") from error
    finally:
        socket.close()
    return shown


async def _connect(lab: Lab, kernel_id: str) -> WebSocketClientConnection:
    """The kernel's channels; a busy machine gets its time. EngineError where they do not open."""
    request = HTTPRequest(
        lab.channels(kernel_id),
        headers=lab.headers,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=CONNECT_SECONDS,
    )
    try:
        return await websocket_connect(request, max_message_size=2**28, ping_interval=30)
    except (HTTPClientError, WebSocketError) as error:
        raise EngineError(
            f"the kernel's connection could not be opened: {error}.",
            advice="The lab's log says why.",
            retry=True,
        ) from error


async def _run(socket: WebSocketClientConnection, source: str) -> Outputs:
    """One cell: finished when the kernel has replied and is idle again."""
    message = request_message(source)
    await socket.write_message(json.dumps(message))
    outputs, replied, idle = Outputs(), False, False
    while not (replied and idle):
        raw = await socket.read_message()
        if raw is None:
            raise EngineError(
                "The kernel's connection was closed.", advice="The lab's log says why.", retry=True
            )
        answer = json.loads(raw)
        if answer.get("parent_header", {}).get("msg_id") != message["header"]["msg_id"]:
            continue
        replied = replied or answer["msg_type"] == "execute_reply"
        idle = idle or answer["content"].get("execution_state") == "idle"
        note(outputs, answer["msg_type"], answer["content"])
    return outputs


def request_message(source: str) -> dict[str, Any]:
    """An `execute_request` of the Jupyter protocol."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "username": "",
        "session": uuid.uuid4().hex,
        "date": datetime.now(UTC).isoformat(),
        "version": "5.3",
    }
    content = {
        "code": source,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "buffers": [],
        "channel": "shell",
    }


def note(outputs: Outputs, kind: str, content: dict[str, Any]) -> None:
    """Add one message of the kernel to what the cell showed."""
    if kind == "stream":
        outputs.text += content["text"]
    elif kind in ("display_data", "execute_result"):
        data = content["data"]
        outputs.pictures += [data["image/png"]] if "image/png" in data else []
        outputs.text += "" if "image/png" in data else f"{data.get('text/plain', '')}\n"
    elif kind == "error":
        outputs.error = f"{content['ename']}: {content['evalue']}"
