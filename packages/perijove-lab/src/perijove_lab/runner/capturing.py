"""The runner's side of the capture: which steps, in which order, and what a dead kernel costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perijove_lab.runner import progress
from perijove_lab.runner.session import KernelTroubleError, Session


class Capturing:
    """Collects `outputs`, `unsaved` and `report` while it runs; they are right at any moment."""

    def __init__(self, session: Session, progress_file: Path, *, variables: bool) -> None:
        self._session = session
        self._progress = progress_file
        self._variables = variables
        self._pending: list[str] = []
        self.outputs: list[dict[str, Any]] = []
        self.unsaved: list[dict[str, str]] = []
        self.report: dict[str, Any] = {}

    async def run(self) -> None:
        """All steps. A step that fails leaves its variables in `unsaved`; the others go on if they can."""
        if not self._variables:
            return
        progress.append(self._progress, phase="capture")
        try:
            plan = await self._session.step("plan")
        except KernelTroubleError as error:
            self._lose(["*"], f"the variables could not be looked at: {error}")
            return
        self.unsaved += plan["unsaved"]
        self.report = {"aliases": plan["aliases"], "interpreter": plan["interpreter"]}
        self._pending = [*plan["data"], *plan["models"]]
        if plan["data"]:
            await self._arrays(plan["data"])
        await self._models(plan["models"])

    async def _arrays(self, names: list[str]) -> None:
        try:
            result = await self._session.step("arrays")
        except KernelTroubleError as error:
            self._lose(names, f"saving the arrays failed: {error}")
            return
        self._done(names)
        self.outputs += result["outputs"]
        self.unsaved += result["unsaved"]
        self.report["from_inputs"] = result["inputs"]

    async def _models(self, names: list[str]) -> None:
        for number, name in enumerate(names):
            progress.append(self._progress, phase="export", message=f"exporting {name}")
            try:
                result = await self._session.step(f"export:{number}")
            except KernelTroubleError as error:
                self._lose([name], f"the export failed: {error}")
                continue
            self._done([name])
            self.outputs += result["outputs"]
            self.unsaved += result["unsaved"]
            if result["outputs"]:
                await self._verify(number, result["outputs"])

    async def _verify(self, number: int, outputs: list[dict[str, Any]]) -> None:
        pending = {"verified": False, "max_difference": None, "reason": "the verification was not finished"}
        for output in outputs:
            output["metadata"].update(pending)
        try:
            metadata = (await self._session.step(f"verify:{number}"))["metadata"]
        except KernelTroubleError as error:
            metadata = {**pending, "reason": f"the verification failed: {error}"}
        for output in outputs:
            output["metadata"].update(metadata)

    def _done(self, names: list[str]) -> None:
        self._pending = [name for name in self._pending if name not in names]

    def _lose(self, names: list[str], reason: str) -> None:
        self._done(names)
        self.unsaved += [{"name": name, "type": "unknown", "reason": reason[:500]} for name in names]

    def give_up(self, reason: str) -> None:
        """List what is still to do as unsaved."""
        self._lose(list(self._pending), reason)
