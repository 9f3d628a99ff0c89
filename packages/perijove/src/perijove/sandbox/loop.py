"""A keeper's one loop: descriptors, timers and signals, in one thread."""

from __future__ import annotations

import os
import selectors
import signal
import time
from collections.abc import Callable
from typing import Any

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

Ready = Callable[[int], None]


class Loop:
    """Calls back when a descriptor is ready, a time has come or a signal has arrived."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: dict[str, tuple[float, Callable[[], None]]] = {}
        self._signals: dict[int, Callable[[], None]] = {}
        self._running = True
        self._wake, wake_in = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_in, warn_on_full_buffer=False)
        self._selector.register(self._wake, READ, self._on_signal)

    def watch(self, descriptor: Any, events: int, ready: Ready) -> None:
        """Call `ready` for these `events` from now on; 0 for none. Replaces what was set before."""
        known = descriptor in self._selector.get_map()
        if not events:
            if known:
                self._selector.unregister(descriptor)
        elif known:
            self._selector.modify(descriptor, events, ready)
        else:
            self._selector.register(descriptor, events, ready)

    def at(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        """Call once, `seconds` from now; a timer of the same name is replaced."""
        self._timers[name] = (time.monotonic() + seconds, call)

    def on_signal(self, number: int, call: Callable[[], None]) -> None:
        """Call for each arrival of a signal, out of the loop and not out of the signal's handler."""
        self._signals[number] = call
        signal.signal(number, lambda *_: None)

    def stop(self) -> None:
        """Leave `run` after the present round."""
        self._running = False

    def run(self) -> None:
        """Until `stop` is called."""
        while self._running:
            for key, events in self._selector.select(self._patience()):
                if key.fd in self._selector.get_map():
                    key.data(events)
            self._fire()

    def _patience(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, min(due for due, _ in self._timers.values()) - time.monotonic())

    def _fire(self) -> None:
        now = time.monotonic()
        for name in [name for name, (due, _) in self._timers.items() if due <= now]:
            _, call = self._timers.pop(name)
            call()

    def _on_signal(self, _events: int) -> None:
        for number in os.read(self._wake, 512):
            if number in self._signals:
                self._signals[number]()
