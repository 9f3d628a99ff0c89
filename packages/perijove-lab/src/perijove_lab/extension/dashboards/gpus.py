"""NVDashboard: what the lab's GPUs do. A lab without one neither loads nor shows it.

NVIDIA's library of measurements (NVML) names every card whose device file can be opened,
whatever `CUDA_VISIBLE_DEVICES` says; where only that variable keeps labs apart, others are left out here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tornado.web import HTTPError

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

FRONT_END = "jupyterlab-nvdashboard"
PREFIX = "nvdashboard"
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_NONE = ("", "-1", "NoDevFiles")


def has_gpu(environ: Mapping[str, str] = os.environ, devices: Path = Path("/dev")) -> bool:
    """Whether this lab was given a GPU."""
    return environ.get(_VISIBLE) not in _NONE and any(devices.glob("nvidia[0-9]*"))


def add_doors(serverapp: ServerApp) -> None:
    """The addresses of NVDashboard; none without a GPU. What prevents it is logged and stops nothing."""
    if not has_gpu():
        return
    try:
        found = _its_handlers(serverapp.web_app.settings)
    except Exception:  # a driver may fail in any way
        serverapp.log.warning("What GPUs do cannot be shown.", exc_info=True)
        return
    routes = [(address, guarded(handler)) for address, handler in found]
    serverapp.web_app.add_handlers(".*$", routes)  # type: ignore[no-untyped-call]


def _its_handlers(settings: dict[str, Any]) -> list[tuple[str, type[Any]]]:
    """What it would add to a server; it asks for the cards when it is imported."""
    taken: list[tuple[str, type[Any]]] = []
    with only_ours(os.environ):
        from jupyterlab_nvdashboard.handlers import (  # type: ignore[import-not-found]
            setup_handlers,
        )
    setup_handlers(SimpleNamespace(settings=settings, add_handlers=lambda _, routes: taken.extend(routes)))
    return taken


def guarded(handler: type[Any]) -> type[Any]:
    """`handler` for who has signed in; others are refused before there is a connection."""

    async def prepare(self: Any) -> None:
        await handler.prepare(self)
        if self.current_user is None:
            raise HTTPError(403)

    return type(handler.__name__, (handler,), {"prepare": prepare})


@contextmanager
def only_ours(environ: Mapping[str, str]) -> Iterator[None]:
    """While this lasts, `pynvml` counts and names the lab's cards alone. Raises what it raises."""
    import pynvml  # type: ignore[import-not-found]

    pynvml.nvmlInit()
    ours = chosen(_reachable(pynvml), environ.get(_VISIBLE))
    before = pynvml.nvmlDeviceGetCount, pynvml.nvmlDeviceGetHandleByIndex
    pynvml.nvmlDeviceGetCount = lambda: len(ours)
    pynvml.nvmlDeviceGetHandleByIndex = ours.__getitem__
    try:
        yield
    finally:
        pynvml.nvmlDeviceGetCount, pynvml.nvmlDeviceGetHandleByIndex = before


def _reachable(pynvml: Any) -> list[tuple[str, Any]]:
    """Identifier and handle of each card whose device file the lab may open, by PCI address."""
    found = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            found.append((str(pynvml.nvmlDeviceGetUUID(handle)), handle))
        except pynvml.NVMLError:
            continue
    return found


def chosen(cards: Sequence[tuple[str, Any]], visible: str | None) -> list[Any]:
    """The handles of those that `CUDA_VISIBLE_DEVICES` lets CUDA see.

    It holds numbers, or identifiers or their beginning. As CUDA does, nothing after the first that fits no
    card. A part of a card (MIG) fits none.
    """
    if visible is None:
        return [handle for _, handle in cards]
    found: list[Any] = []
    for word in (part.strip() for part in visible.split(",")):
        fitting = [
            handle
            for index, (identifier, handle) in enumerate(cards)
            if word == str(index) or (word.startswith("GPU-") and identifier.startswith(word))
        ]
        if len(fitting) != 1:
            break
        found += fitting
    return found
