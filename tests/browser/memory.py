"""What a lab's server takes of memory."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil


class Memory(threading.Thread):
    """Looks at a process four times a second."""

    def __init__(self, process: psutil.Process) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._ended = threading.Event()
        self.seen = [process.memory_info().rss]

    def run(self) -> None:
        while not self._ended.wait(0.25):
            self.seen.append(self._process.memory_info().rss)

    def growth(self) -> int:
        self._ended.set()
        self.join()
        return max(self.seen) - self.seen[0]


def lab_process(environments: Path) -> psutil.Process:
    """The server of the one lab that runs, with the environments of this folder."""
    lab = environments / "lab"
    pythons = {str(folder / "bin" / "python") for folder in (lab, lab.resolve())}
    every = psutil.process_iter(["cmdline"])
    return next(process for process in every if (process.info["cmdline"] or [""])[0] in pythons)
