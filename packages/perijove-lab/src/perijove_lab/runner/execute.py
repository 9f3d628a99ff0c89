"""Execute: run the cells in a real kernel and keep `executed.ipynb` whole and up to date."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from perijove_lab.printed.bounds import HEAD, bounded_error
from perijove_lab.runner import outputs, progress
from perijove_lab.runner.advice import dead_kernel, failed_cell, left_well
from perijove_lab.runner.errors import Failure
from perijove_lab.runner.saver import Saver

_SAVE_EVERY = 2.0  # seconds between two saves while one cell runs


class JobClient(NotebookClient):
    """nbclient with bounded outputs, a log, and saving while cells run."""

    def __init__(self, nb: NotebookNode, *, saver: Saver, **kwargs: Any) -> None:
        # Generous: on a busy machine a kernel's first words can take a minute, and output must not be lost.
        super().__init__(nb, startup_timeout=300, iopub_timeout=60, shell_timeout_interval=1, **kwargs)
        self.log.setLevel(logging.CRITICAL)  # errors are told once: by the manifest
        self._saver = saver
        self._text_log = outputs.Log()
        self._bounds = outputs.CellOutputs()
        self._text_total = 0

    def begin_cell(self) -> None:
        """Fresh bounds for the next cell; tighter ones once the notebook is big."""
        self._text_total += self._bounds.text_kept
        head = HEAD if self._text_total < outputs.TEXT_TOTAL else outputs.HEAD_LATER
        self._bounds = outputs.CellOutputs(head=head, tail=head)

    def settle(self) -> None:
        """Bring the current cell's outputs up to date, before they are saved."""
        self._bounds.settle()

    def finish(self) -> None:
        """After the last cell: the state of widgets and the language go into the notebook."""
        self.set_widgets_metadata()
        self.nb.metadata["language_info"] = {"name": "python"}

    def output(
        self, outs: list[NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Take one output message into the cell, within bounds."""
        self._saver.dirty = True
        content, kind = msg["content"], msg["msg_type"]
        if kind == "stream":
            self._text_log.write(content["name"], content["text"])
            if not self.output_hook_stack[msg["parent_header"].get("msg_id")]:
                self._add_text(outs, content, cell_index)
                return None
        elif kind == "error":
            msg["content"] = bounded_error(content)
        elif not self._bounds.admits(content.get("data", {}), outs):
            return None
        return super().output(outs, msg, display_id, cell_index)

    def _add_text(self, outs: list[NotebookNode], content: dict[str, Any], cell_index: int) -> None:
        if self.clear_before_next_output:
            outs[:] = []
            self.clear_display_id_mapping(cell_index)
            self.clear_before_next_output = False
        self._bounds.add_text(outs, content["name"], content["text"])


class Execution:
    """Runs the cells of one notebook in a kernel that is already up."""

    def __init__(self, client: JobClient, saver: Saver, out: Path, *, stop: Callable[[], bool]) -> None:
        self._stop = stop
        self._client = client
        self._saver = saver
        self._progress = progress.path_in(out)
        self._said = 0.0
        self._untold: dict[str, int] = {}
        self._left = False

    async def run(self) -> Failure | None:
        """Run cell after cell; stop at the first failure and say what it was."""
        cells = self._client.nb.cells
        code = [index for index, cell in enumerate(cells) if _runs(cell)]
        flusher = asyncio.ensure_future(self._flush_while_running())
        try:
            for done, index in enumerate(code):
                self._tell(done, len(code))
                if self._stop():
                    return None
                failure = await self._run_cell(index)
                self._saver.save_if_cheap()
                if failure is not None or self._left:
                    return failure
            self._untold = {}
            progress.append(self._progress, cell=len(code), cells=len(code))
        finally:
            flusher.cancel()
            self._client.settle()
        return None

    def _tell(self, done: int, total: int) -> None:
        """Of many short cells not each one; the one before a long cell is told while that runs."""
        self._untold = {"cell": done, "cells": total}
        if done == 0 or time.monotonic() - self._said >= 0.2:
            self._tell_now()

    def _tell_now(self) -> None:
        if self._untold:
            progress.append(self._progress, phase="execute", **self._untold)
            self._untold, self._said = {}, time.monotonic()

    async def _run_cell(self, index: int) -> Failure | None:
        client = self._client
        cell = client.nb.cells[index]
        client.begin_cell()
        self._saver.dirty = True
        try:
            await client.async_execute_cell(cell, index)
        except CellExecutionError as error:
            self._left = left_well(error)
            if not self._left:
                return failed_cell(cell, index, error)
            cell.outputs = [output for output in cell.outputs if output["output_type"] != "error"]
        except DeadKernelError:
            return dead_kernel(client.km, index)
        finally:
            client.settle()
        return None

    async def _flush_while_running(self) -> None:
        while True:
            await asyncio.sleep(_SAVE_EVERY)
            self._tell_now()
            if self._saver.dirty:
                self._client.settle()
                self._saver.save_if_cheap()


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())
