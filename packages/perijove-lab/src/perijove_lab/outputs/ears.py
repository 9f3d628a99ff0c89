"""Listening to kernels, whoever is connected to them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import zmq
from zmq.eventloop.zmqstream import ZMQStream

from perijove_lab.outputs.documents import Documents
from perijove_lab.outputs.recorder import Recorder

HEADER, PARENT, METADATA, CONTENT = range(1, 5)
"""Where the parts of a kernel's message stand, after its signature."""
_SETTING = "perijove_ears"
_READY_SECONDS = 10.0
_ASK_SECONDS = 0.3
_LOOK_SECONDS = 5.0
_KEEP_SECONDS = 4.0


def decode(part: Any) -> dict[str, Any]:
    """One part of a message."""
    return dict(json.loads(bytes(part)))


class Ear:
    """Hears everything that one kernel says and hands it to its recorder."""

    def __init__(self, kernel: Any, recorder: Recorder) -> None:
        self.recorder = recorder
        self._kernel = kernel
        self._url = iopub_address(kernel)
        self._heard = asyncio.Event()
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.SUB)
        socket.rcvhwm = 0  # a kernel drops what a slow listener has not taken: let it queue here
        socket.linger = 0
        socket.subscribe(b"")
        socket.connect(self._url)
        self._stream = ZMQStream(socket)
        self._stream.on_recv(self._hear)

    @property
    def usable(self) -> bool:
        """Whether the kernel still speaks where this listens."""
        return self._url == iopub_address(self._kernel)

    def _hear(self, message: list[Any]) -> None:
        self._heard.set()
        _, parts = self._kernel.session.feed_identities(message)
        header = decode(parts[HEADER])
        self.recorder.take(header, decode(parts[PARENT]), decode(parts[CONTENT]))

    async def listen(self) -> None:
        """Return once messages arrive; until then the kernel is asked to say something."""
        if self._heard.is_set():
            return
        control = self._kernel.connect_control()
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not self._heard.is_set():
                    self._kernel.session.send(control, "kernel_info_request")
                    await asyncio.sleep(_ASK_SECONDS)
        except TimeoutError:
            self.recorder.log.warning("Nothing is heard of kernel %s", self.recorder.kernel_id)
        finally:
            control.close()

    def close(self) -> None:
        """Listen no more."""
        self._stream.close()


class Ears:
    """The ears of a server, one for each kernel that a browser was connected to."""

    def __init__(self, serverapp: Any) -> None:
        self._serverapp = serverapp
        self._ears: dict[str, Ear] = {}
        self._looking: asyncio.Task[None] | None = None
        self._keep_before_the_end()

    @classmethod
    def of(cls, serverapp: Any) -> Ears:
        """Those of this server."""
        settings = serverapp.web_app.settings
        if _SETTING not in settings:
            settings[_SETTING] = cls(serverapp)
        found: Ears = settings[_SETTING]
        return found

    def recorder(self, kernel: Any) -> Recorder:
        """The recorder of `kernel`; it hears the kernel once `listen` has returned."""
        return self._ear(kernel).recorder

    async def listen(self, kernel: Any) -> None:
        """Return once the recorder of `kernel` hears it."""
        await self._ear(kernel).listen()

    def _ear(self, kernel: Any) -> Ear:
        ear = self._ears.get(kernel.kernel_id)
        if ear is not None and ear.usable:
            return ear
        if ear is None:
            documents = Documents(self._serverapp)
            recorder = Recorder(kernel.kernel_id, documents, self._serverapp.log)
        else:  # the kernel was started again, on other ports
            recorder = ear.recorder
            ear.close()
        self._ears[kernel.kernel_id] = Ear(kernel, recorder)
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look_for_ended())
        return self._ears[kernel.kernel_id]

    def _keep_before_the_end(self) -> None:
        """When the server stops, write first: it ends all extensions at once, shared documents among them."""
        clean_up = self._serverapp.cleanup_extensions

        async def keep_and_clean_up() -> None:
            await self._keep_all()
            await clean_up()

        self._serverapp.cleanup_extensions = keep_and_clean_up

    async def _keep_all(self) -> None:
        try:
            async with asyncio.timeout(_KEEP_SECONDS):
                await asyncio.gather(*[ear.recorder.keep_all() for ear in self._ears.values()])
        except Exception:
            self._serverapp.log.exception("The latest output of running cells may not be in their files")

    async def _look_for_ended(self) -> None:
        while self._ears:
            await asyncio.sleep(_LOOK_SECONDS)
            for kernel_id in [one for one in self._ears if one not in self._serverapp.kernel_manager]:
                ear = self._ears.pop(kernel_id)
                ear.close()
                ear.recorder.kernel_gone()
        self._looking = None


def iopub_address(kernel: Any) -> str:
    """Where a kernel says what it has to say to everybody."""
    info = kernel.get_connection_info()
    mark = "-" if info["transport"] == "ipc" else ":"
    return f"{info['transport']}://{info['ip']}{mark}{info['iopub_port']}"
