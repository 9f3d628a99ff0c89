"""The inspector: one thread that looks into new datasets, one after the other, beside everything else."""

from __future__ import annotations

import logging
import threading
from typing import Any

from sqlalchemy import select

from perijove.core.errors import InsufficientResourcesError, PerijoveError
from perijove.histories.context import Context
from perijove.histories.inspection.process import make_inspection
from perijove.histories.store.models import Dataset
from perijove.histories.store.types import utcnow

INTERVAL = 1.0
_LONGEST_PEEK = 5000
log = logging.getLogger("perijove.histories.inspection")


class Inspector:
    """Takes datasets whose inspection is `pending`, the oldest first; their state it leaves alone."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._inspection = make_inspection(context.settings, context.launcher)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inspector", daemon=True)

    def start(self) -> None:
        """Begin; what a stop left pending comes first."""
        self._thread.start()

    def stop(self) -> None:
        """End after the file that is being looked at."""
        self._stop.set()
        self._thread.join(timeout=45)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                while not self._stop.is_set() and self.step():
                    pass
            except InsufficientResourcesError:
                continue  # the machine is full; the datasets can be used meanwhile
            except PerijoveError as error:
                log.warning("inspection waits: %s", error)
                self._stop.wait(30.0)
            except Exception:
                log.exception("inspection failed; it goes on")

    def step(self) -> bool:
        """Look into one dataset; False when there is none to look into."""
        dataset = self._next()
        if dataset is None or dataset.digest is None:
            return False
        found = self._inspection.inspect(self._context.files.path(dataset.digest), dataset.ext)
        self._note(dataset, found)
        return True

    def _next(self) -> Dataset | None:
        with self._context.database.read() as session:
            query = select(Dataset).where(Dataset.inspection == "pending", Dataset.digest.is_not(None))
            return session.scalar(query.order_by(Dataset.create_time).limit(1))

    def _note(self, seen: Dataset, found: dict[str, Any] | None) -> None:
        """Write down what was found, unless the dataset changed meanwhile; for copies too."""
        with self._context.database.write() as session:
            query = select(Dataset).where(
                Dataset.digest == seen.digest, Dataset.ext == seen.ext, Dataset.inspection == "pending"
            )
            for dataset in session.scalars(query):
                _apply(dataset, found)


def _apply(dataset: Dataset, found: dict[str, Any] | None) -> None:
    dataset.update_time = utcnow()
    if found is None or "fault" in found:
        dataset.inspection = "failed"
        reason = found["fault"] if found else "it took too long or too much memory"
        dataset.info = dataset.info or f"This {dataset.ext} file cannot be read: {_clean(reason)}"
        return
    dataset.inspection = "done"
    dataset.metadata_json = {**found.get("metadata", {}), **dataset.metadata_json}
    dataset.blurb = _clean(found.get("blurb") or dataset.blurb or "")[:255]
    dataset.peek = _clean(found.get("peek") or dataset.peek or "")[:_LONGEST_PEEK]


def _clean(text: str) -> str:
    """Text that both databases can store."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
