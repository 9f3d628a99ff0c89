"""The way of messages between browsers and kernels (the server's `kernel_websocket_connection_class`)."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from perijove_lab.outputs.ears import CONTENT, HEADER, METADATA, PARENT, Ears, decode
from perijove_lab.outputs.recorder import COMMS, OUTPUTS, Recorder
from perijove_lab.outputs.widgets import OutputWidgets

_V1 = "v1.kernel.websocket.jupyter.org"
_SHELL = ("execute_request", "comm_msg")
_REMEMBERED = 100
Parts = list[Any]


class RecordingConnection(ZMQChannelsWebsocketConnection):
    """One browser's connection. What cells show goes into the shared document and not through here."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._ears = Ears.of(self.websocket_handler.settings["serverapp"])
        self._widgets = OutputWidgets()

    @property
    def _recorder(self) -> Recorder:
        return self._ears.recorder(self.kernel_manager)

    # -- coming and going

    async def connect(self) -> None:  # type: ignore[override]
        """Return when the kernel is heard, by the recorder too: requests are taken from then on."""
        self._widgets = self._recorder.widgets.copy()
        buffered = self.multi_kernel_manager._kernel_buffers.get(self.kernel_id) or {}
        continued = buffered.get("session_key") == self.session_key
        connected = super().connect()
        if connected is None:
            return
        await self._ears.listen(self.kernel_manager)
        await connected
        self._tell_widgets(self._recorder.attach(self.session_id, continued=continued))
        self._say_again()
        if getattr(self.kernel_manager, "execution_state", "") == "busy":
            # Whoever comes back to a kernel that computes would wait for its next word to know.
            self._send_status_message("busy")  # type: ignore[no-untyped-call]

    def disconnect(self) -> None:  # type: ignore[override]
        """See the base class; what is buffered for this browser's return holds no output that is kept."""
        self._recorder.detach(self.session_id)
        super().disconnect()  # type: ignore[no-untyped-call]
        buffered = self.multi_kernel_manager._kernel_buffers.get(self.kernel_id) or {}
        if buffered.get("session_key") == self.session_key:
            messages = buffered["buffer"]
            buffered["channels"]["iopub"].on_recv(
                lambda message: None if self._is_kept(message) else messages.append(("iopub", message))
            )

    # -- to the kernel

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """See the base class; a request to run a cell is told to the recorder before the kernel has it."""
        header, metadata, content = _shell_message(incoming_msg, v1=self.subprotocol == _V1)
        if header.get("msg_type") == "execute_request" and (cell := metadata.get("cellId")):
            self._recorder.expect(header["msg_id"], str(cell), self.session_id)
        elif header.get("msg_type") == "comm_msg":
            self._recorder.widgets.told(content)
        super().handle_incoming_message(incoming_msg)

    def _tell_widgets(self, outputs: dict[str, list[dict[str, Any]]]) -> None:
        for widget, shown in outputs.items():
            data = {"method": "update", "state": {"outputs": shown}, "buffer_paths": []}
            self.session.send(self.channels["shell"], "comm_msg", {"comm_id": widget, "data": data})

    # -- to the browser

    def handle_outgoing_message(self, stream: Any, outgoing_msg: Parts) -> None:
        """See the base class; outputs that the recorder keeps are left out."""
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", "")
        if channel == "iopub" and self._is_kept(outgoing_msg):
            return
        self._remember(channel, outgoing_msg)
        super().handle_outgoing_message(stream, outgoing_msg)

    def _is_kept(self, message: Parts) -> bool:
        _, parts = self.session.feed_identities(message)
        kind = decode(parts[HEADER]).get("msg_type")
        if kind in COMMS:
            self._widgets.take(kind, decode(parts[CONTENT]))
        if kind not in OUTPUTS:
            return False
        if kind == "update_display_data":
            name = (decode(parts[CONTENT]).get("transient") or {}).get("display_id", "")
            return self._recorder.knows_display(name)
        asked = str(decode(parts[PARENT]).get("msg_id", ""))
        return self._recorder.keeps(asked) and not self._widgets.captor(asked)

    def _remember(self, channel: str, message: Parts) -> None:
        """Keep the end of each cell for `_say_again`: what a broken line swallows, nobody tells."""
        if channel not in ("shell", "iopub") or self.subprotocol != _V1:
            return
        _, parts = self.session.feed_identities(message)
        asked = decode(parts[PARENT])
        if asked.get("session") != self.session_id or asked.get("msg_type") != "execute_request":
            return
        if channel == "shell":
            content = {**decode(parts[CONTENT]), "payload": []}
            parts = [*parts[:CONTENT], json.dumps(content).encode(), *parts[CONTENT + 1 :]]
        elif decode(parts[CONTENT]).get("execution_state") != "idle":
            return
        self._said.append((channel, parts[HEADER:]))

    @property
    def _said(self) -> deque[tuple[str, Parts]]:
        return self._recorder.said.setdefault(self.session_id, deque(maxlen=_REMEMBERED))

    def _say_again(self) -> None:
        """Tell a browser that comes back how its last cells ended: it takes no notice of what it knows."""
        for channel, parts in list(self._said):
            self._on_zmq_reply(self.channels[channel], parts)  # type: ignore[no-untyped-call]


def _shell_message(message: Any, *, v1: bool) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Header, metadata and content of what matters here among what browsers send; empty for all else."""
    if not v1:
        found = {} if isinstance(message, bytes) else json.loads(message)
        return found.get("header") or {}, found.get("metadata") or {}, found.get("content") or {}
    channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
    if channel != "shell" or not any(kind.encode() in parts[0] for kind in _SHELL):
        return {}, {}, {}
    return decode(parts[HEADER - 1]), decode(parts[METADATA - 1]), decode(parts[CONTENT - 1])
