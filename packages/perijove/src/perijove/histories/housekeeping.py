"""What goes on in the background: contents without datasets leave the disk, old uploads expire."""

from __future__ import annotations

import logging
import threading
import time

from perijove.histories.context import Context
from perijove.histories.services import fetch, tus
from perijove.histories.services.purging import sweep, sweep_disk, sweep_staging

INTERVAL = 5.0
_DAILY = 24 * 3600.0
log = logging.getLogger("perijove.histories.housekeeping")


class Housekeeper:
    """One thread; an error in one round is logged and the next round comes."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._swept_disk = 0.0

    def start(self) -> None:
        """Begin, and take up what the last stop interrupted."""
        fetch.resume(self._context)
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is under way."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL):
            try:
                self._round()
            except Exception:
                log.exception("housekeeping failed; it goes on")

    def _round(self) -> None:
        removed = sweep(self._context.database, self._context.files)
        expired = tus.expire(self._context)
        if time.monotonic() - self._swept_disk > _DAILY or not self._swept_disk:
            removed += sweep_disk(self._context.database, self._context.files)
            removed += sweep_staging(self._context.files)
            self._swept_disk = time.monotonic()
        if removed or expired:
            log.info("removed %d contents without a dataset, %d expired uploads", removed, expired)
