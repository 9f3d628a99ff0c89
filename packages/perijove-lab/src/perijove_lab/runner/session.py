"""One kernel from start to end, and the runner's private conversation with it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from nbclient.exceptions import DeadKernelError

from perijove_lab.runner import kernel
from perijove_lab.runner.execute import JobClient
from perijove_lab.runner.spec import JobSpec

# Kernels of other environments may lack this package: it is then loaded from where the runner has it.
_LOAD = """
import importlib.util, sys
if importlib.util.find_spec("perijove_lab") is None:
    spec = importlib.util.spec_from_file_location(
        "perijove_lab", {folder!r} + "/__init__.py", submodule_search_locations=[{folder!r}])
    sys.modules["perijove_lab"] = package = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
from perijove_lab.runner import inside
inside.prepare({config!r})
"""
_STEP = "__import__('perijove_lab.runner.capture', fromlist=['step']).step({config!r})"


_PACKAGE = str(Path(__file__).resolve().parent.parent)


class KernelTroubleError(Exception):
    """The kernel died or did not do what it was privately asked; the message says what."""


class Session:
    """A running kernel prepared for the job."""

    def __init__(self, client: JobClient, spec: JobSpec) -> None:
        self.client = client
        self._spec = spec
        self.graceful = True

    async def prepare(self) -> None:
        """Hooks in, namespace remembered. Raises KernelTroubleError."""
        script = None if self._spec.is_notebook else str(self._spec.code)
        config = json.dumps({"script": script, "folder": str(self._spec.code.parent)})
        await self._run(f"exec({_LOAD.format(folder=_PACKAGE, config=config)!r}, {{}})")

    async def step(self, name: str) -> dict[str, Any]:
        """Let the kernel do one step of the capture. Raises KernelTroubleError."""
        with tempfile.TemporaryDirectory(prefix=".capture-", dir=self._spec.out) as folder:
            result = Path(folder, "result.json")
            inputs = [{"path": i.path, "file": str(self._spec.work / i.path)} for i in self._spec.inputs]
            options = {"step": name, "out": str(self._spec.out), "inputs": inputs, "result": str(result)}
            await self._run(_STEP.format(config=json.dumps(options)))
            return _result(name, result)

    async def interrupt(self) -> None:
        """Raise KeyboardInterrupt in whatever cell runs."""
        manager: Any = self.client.km
        if manager is not None and manager.has_kernel:
            await manager.interrupt_kernel()

    async def kill(self) -> None:
        """End the kernel at once; whatever waits for it then sees it dead."""
        manager: Any = self.client.km
        if manager is not None and manager.has_kernel:
            await manager.shutdown_kernel(now=True)

    async def _run(self, code: str) -> None:
        client: Any = self.client.kc
        message = client.execute(code, silent=True, store_history=False, allow_stdin=False)
        try:
            reply = await self.client.async_wait_for_reply(message)
        except (DeadKernelError, AttributeError, RuntimeError) as error:
            raise KernelTroubleError("the kernel died") from error
        content = (reply or {}).get("content", {})
        if content.get("status") != "ok":
            raise KernelTroubleError(f"{content.get('ename', 'no reply')}: {content.get('evalue', '')}"[:500])


def _result(name: str, path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise KernelTroubleError(f"the step {name!r} left no result") from error


@asynccontextmanager
async def started(client: JobClient, spec: JobSpec, kernelspec: KernelSpec) -> AsyncIterator[Session]:
    """A session whose kernel is up; the kernel is gone when the block ends, however it ends.

    Raises KernelTroubleError when it does not come up.
    """
    manager = kernel.JobKernelManager(kernelspec)
    client.km = manager
    client.owns_km = False
    session = Session(client, spec)
    try:
        await _start(client, spec)
        await session.prepare()
        yield session
    except BaseException:
        session.graceful = False
        raise
    finally:
        await _end(client, manager, graceful=session.graceful)


async def _start(client: JobClient, spec: JobSpec) -> None:
    try:
        await client.async_start_new_kernel(cwd=str(spec.work), env=kernel.environment(spec.out))
        await client.async_start_new_kernel_client()
    except (RuntimeError, OSError) as error:
        raise KernelTroubleError(str(error)) from error


async def _end(client: JobClient, manager: Any, *, graceful: bool) -> None:
    """Let the kernel leave by itself (its own atexit handlers run) for a few seconds, or at once."""
    if manager.has_kernel:
        try:
            async with asyncio.timeout(6 if graceful else 1):
                await manager.shutdown_kernel(now=not graceful)
        except TimeoutError:
            await manager.shutdown_kernel(now=True)
    if client.kc is not None:
        client.kc.stop_channels()
    manager.remove_folder()
