"""Who waits for news of jobs: the job loop for work to do, and clients for a job to change."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class JobSignals:
    """In-process news; every method may be called from any thread.

    News may come without a change and never carries content: whoever is told looks the job up. `also` is
    told of every job that has changed.
    """

    def __init__(self, also: Callable[[str], object] = lambda _: None) -> None:
        self._also = also
        self._work = threading.Event()
        self._lock = threading.Lock()
        self._listeners: dict[str, set[Listener]] = defaultdict(set)

    def wake(self) -> None:
        """Tell the job loop that there is something to do now (a submission, a cancellation, room)."""
        self._work.set()

    def wait_for_work(self, timeout: float) -> bool:
        """For the job loop: wait until `wake`, at most `timeout` seconds. True where it was woken."""
        woken = self._work.wait(timeout)
        self._work.clear()
        return woken

    def changed(self, job_id: str) -> None:
        """Tell whoever listens that this job has changed."""
        with self._lock:
            listeners = list(self._listeners.get(job_id, ()))
        for listener in listeners:
            listener.tell()
        self._also(job_id)

    @contextmanager
    def listening(self, job_id: str) -> Iterator[asyncio.Event]:
        """An event of the running asyncio loop that is set at each change of the job."""
        listener = Listener()
        with self._lock:
            self._listeners[job_id].add(listener)
        try:
            yield listener.event
        finally:
            self._remove(job_id, listener)

    def _remove(self, job_id: str, listener: Listener) -> None:
        with self._lock:
            self._listeners[job_id].discard(listener)
            if not self._listeners[job_id]:
                del self._listeners[job_id]


class Listener:
    """An event of the asyncio loop in which this was made, to be set from any thread."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def tell(self) -> None:
        """Set the event."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.event.set)
