"""The way of messages between browsers and kernels (the server's `kernel_websocket_connection_class`)."""

from __future__ import annotations

import json
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from perijove_lab.outputs.ears import CONTENT, HEADER, METADATA, PARENT, Ears, decode
from perijove_lab.outputs.recorder import OUTPUTS, Recorder

_V1 = "v1.kernel.websocket.jupyter.org"


class RecordingConnection(ZMQChannelsWebsocketConnection):
    """One browser's connection. What cells show goes into the shared document and not through here."""

    @property
    def _ears(self) -> Ears:
        return Ears.of(self.websocket_handler.serverapp)

    @property
    def _recorder(self) -> Recorder:
        return self._ears.recorder(self.kernel_manager)

    async def connect(self) -> None:  # type: ignore[override]
        """Return when the kernel is heard, by the recorder too: requests are taken from then on."""
        connected = super().connect()
        if connected is None:
            return
        await self._ears.listen(self.kernel_manager)
        await connected
        if getattr(self.kernel_manager, "execution_state", "") == "busy":
            # Whoever comes back to a kernel that computes would wait for its next word to know.
            self._send_status_message("busy")  # type: ignore[no-untyped-call]

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """See the base class; a request to run a cell is told to the recorder before the kernel has it."""
        header, metadata = _request(incoming_msg, v1=self.subprotocol == _V1)
        if header.get("msg_type") == "execute_request" and (cell := metadata.get("cellId")):
            self._recorder.expect(header["msg_id"], str(cell), self.session_id)
        super().handle_incoming_message(incoming_msg)

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """See the base class; outputs that the recorder keeps are left out."""
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", "")
        if channel == "iopub" and self._is_kept(outgoing_msg):
            return
        super().handle_outgoing_message(stream, outgoing_msg)

    def _is_kept(self, message: list[Any]) -> bool:
        _, parts = self.session.feed_identities(message)
        kind = decode(parts[HEADER]).get("msg_type")
        if kind not in OUTPUTS:
            return False
        if kind == "update_display_data":
            name = (decode(parts[CONTENT]).get("transient") or {}).get("display_id", "")
            return self._recorder.knows_display(name)
        return self._recorder.keeps(str(decode(parts[PARENT]).get("msg_id", "")))


def _request(message: Any, *, v1: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and metadata of what a browser sends to the shell; empty for all else."""
    if not v1:
        if isinstance(message, bytes):
            return {}, {}
        found = json.loads(message)
        return found.get("header") or {}, found.get("metadata") or {}
    channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
    if channel != "shell" or b"execute_request" not in parts[0]:
        return {}, {}
    return decode(parts[HEADER - 1]), decode(parts[METADATA - 1])
