"""One job from its description to its manifest."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from typing import Any

from perijove_lab.runner import execute, files, kernel, progress, provenance, source, stage
from perijove_lab.runner.capturing import Capturing
from perijove_lab.runner.errors import Failure
from perijove_lab.runner.manifest import Manifest, write_json
from perijove_lab.runner.saver import Saver
from perijove_lab.runner.session import KernelTroubleError, Session, started
from perijove_lab.runner.spec import JobSpec

# After SIGTERM: seconds until a cell that ignores the interrupt is killed, and until capturing ends.
_CELL_GRACE = 3.0
_CAPTURE_GRACE = 7.0


class Job:
    """Runs one job. `run` never raises for what the user's code does."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self._progress = progress.path_in(spec.out)
        self._manifest = Manifest()
        self._report: dict[str, Any] = {}
        self._phase = "start"
        self._asked_to_end: float | None = None
        self._session: Session | None = None
        self._limit: asyncio.Timeout | None = None
        self._main: asyncio.Task[Any] | None = None
        self._helpers: set[asyncio.Task[None]] = set()

    def run(self) -> int:
        """Do it all; the exit code. Raises SpecError before anything has run, OSError on a full disk."""
        begun = time.time()
        progress.append(self._progress, phase="stage")
        stage.stage(self._spec.inputs, self._spec.work)
        notebook = source.load(self._spec)
        kernelspec = kernel.choose(notebook, self._spec.kernel)
        saver = Saver(notebook, self._spec.out / "executed.ipynb")
        saver.save()
        (self._spec.out / "datasets").mkdir(exist_ok=True)
        with contextlib.suppress(asyncio.CancelledError):  # ended while the kernel started
            asyncio.run(self._work(execute.JobClient(notebook, saver=saver), saver, kernelspec))
        saver.save()
        self._finish(begun)
        if self._manifest.failure is None:
            return 0
        print(self._manifest.failure.text(), file=sys.stderr, flush=True)
        return 1

    async def _work(self, client: execute.JobClient, saver: Saver, kernelspec: Any) -> None:
        self._listen_to_signals()
        self._manifest.failure = cancelled()  # until something better is known
        try:
            async with started(client, self._spec, kernelspec) as session:
                self._session = session
                failure = await self._execute(client, saver)
                self._manifest.failure = cancelled(failure) if self._asked_to_end else failure
                saver.save_if_cheap()
                await self._capture(session)
                session.graceful = self._asked_to_end is None
        except KernelTroubleError as error:
            self._manifest.failure = cancelled() if self._asked_to_end else _not_started(error)

    async def _execute(self, client: execute.JobClient, saver: Saver) -> Failure | None:
        self._phase = "execute"
        execution = execute.Execution(
            client, saver, self._spec.out, stop=lambda: self._asked_to_end is not None
        )
        failure = await execution.run()
        client.finish()
        self._phase = "capture"
        return failure

    async def _capture(self, session: Session) -> None:
        if self._manifest.failure is not None and self._manifest.failure.type == "KernelDied":
            return
        capturing = Capturing(session, self._progress, variables=self._spec.capture)
        try:
            async with asyncio.timeout_at(self._capture_deadline()) as limit:
                self._limit = limit
                await capturing.run()
        except TimeoutError:
            capturing.give_up("the job was ended before this could be saved")
            self._manifest.failure = self._manifest.failure or cancelled()
            await session.kill()
        self._manifest.outputs += capturing.outputs
        self._manifest.unsaved += capturing.unsaved
        self._report = capturing.report

    def _capture_deadline(self) -> float | None:
        if self._asked_to_end is None:
            return None
        return self._asked_to_end + _CAPTURE_GRACE

    # -- the end from outside -----------------------------------------------------------------------

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError, RuntimeError):
                loop.add_signal_handler(number, self._end)

    def _end(self) -> None:
        if self._asked_to_end is None:
            self._asked_to_end = asyncio.get_running_loop().time()
            progress.append(self._progress, message="ending: asked to stop")
            task = asyncio.ensure_future(self._interrupt())
            self._helpers.add(task)

    async def _interrupt(self) -> None:
        if self._session is None or self._phase == "start":
            if self._main is not None:
                self._main.cancel()
            return
        if self._phase == "execute":
            await self._session.interrupt()
            await asyncio.sleep(_CELL_GRACE)
            if self._phase == "execute":
                await self._session.kill()
        elif self._limit is not None:
            self._limit.reschedule(self._capture_deadline())

    # -- the end ------------------------------------------------------------------------------------

    def _finish(self, begun: float) -> None:
        manifest, out = self._manifest, self._spec.out
        outputs, unsaved = files.collect(self._spec.work)
        manifest.outputs = [_NOTEBOOK, *manifest.outputs, *outputs]
        manifest.unsaved += unsaved
        manifest.provenance = provenance.collect(
            self._spec, started=begun, ended=time.time(), interpreter=self._report.pop("interpreter", None)
        )
        write_json(out / "datasets" / "report.json", self._full_report())
        manifest.outputs.append(_REPORT)
        manifest.write(out)

    def _full_report(self) -> dict[str, Any]:
        manifest = self._manifest
        models = [item for item in manifest.outputs if item["role"] == "model"]
        return {
            "version": 1,
            "state": "error" if manifest.failure else "ok",
            "error": manifest.failure.to_dict() if manifest.failure else None,
            "models": [{"file": item["name"], **item["metadata"]} for item in models],
            "from_inputs": [],
            "aliases": {},
            **self._report,
            "unsaved": manifest.unsaved,
            "provenance": manifest.provenance,
        }


_NOTEBOOK = {"name": "executed notebook", "file": "executed.ipynb", "ext": "ipynb", "role": "notebook"}
_REPORT = {"name": "report", "file": "datasets/report.json", "ext": "json", "role": "report"}


def cancelled(failure: Failure | None = None) -> Failure:
    """The failure of a job that was ended from outside, at the cell where that happened."""
    return Failure(
        type="Cancelled",
        message="The job was ended before it was done: cancelled, or its time limit was reached.",
        advice="The executed notebook shows how far it came.",
        cell=failure.cell if failure else None,
        traceback=failure.traceback if failure else (),
    )


def _not_started(error: Exception) -> Failure:
    return Failure(
        type="KernelNotStarted",
        message=f"The kernel did not start: {str(error)[:500]}",
        advice="The job's log holds what the kernel said. More memory or another environment may help.",
    )
