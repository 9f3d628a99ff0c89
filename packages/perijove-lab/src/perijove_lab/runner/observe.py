"""Watches frameworks that the user's code imports: progress of Keras and tqdm, input shapes of PyTorch.

Nothing is imported here and nothing costs anything until the framework itself is imported.
"""

from __future__ import annotations

import contextlib
import sys
import time
import weakref
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from perijove_lab.runner import progress

_HOOK_CALLS = 10_000  # calls of known modules after which a cell's recording stops
_SMALL = 65_536  # elements of an integer input that are kept as they are

# PyTorch modules and what they were first called with: per argument (shape, dtype, integer sample or None).
torch_inputs: weakref.WeakKeyDictionary[Any, list[tuple[tuple[int, ...], Any, Any]]] = (
    weakref.WeakKeyDictionary()
)


def install(shell: Any) -> None:
    """Watch imports from now on; modules that are there already are patched at once."""
    recorder = _torch_recorder
    shell.events.register("pre_run_cell", recorder.start_cell)
    patches: dict[str, Callable[[ModuleType], None]] = {
        "keras.src.callbacks.callback_list": _patch_keras,
        "tqdm.std": _patch_tqdm,
        "torch.nn.modules.module": recorder.attach,
    }
    for name in [name for name in patches if name in sys.modules]:
        _quietly(patches.pop(name), sys.modules[name])
    sys.meta_path.insert(0, _Watcher(patches))


def _quietly(patch: Callable[[ModuleType], None], module: ModuleType) -> None:
    """A framework of another version, laid out otherwise, is simply not observed."""
    with contextlib.suppress(Exception):
        patch(module)


class _Watcher(MetaPathFinder):
    """Runs a patch right after a module of a given name was imported."""

    def __init__(self, patches: dict[str, Callable[[ModuleType], None]]) -> None:
        self._patches = patches

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        patch = self._patches.pop(name, None)
        spec = PathFinder.find_spec(name, path, target) if patch else None
        if patch is not None and spec is not None and spec.loader is not None:
            _run_after(spec.loader, patch)
        return spec


def _run_after(loader: Loader, patch: Callable[[ModuleType], None]) -> None:
    original = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        original(module)
        _quietly(patch, module)

    loader.exec_module = exec_module  # type: ignore[method-assign]


def _patch_keras(module: Any) -> None:
    """Give every callback list of Keras one more member, which reports epochs, metrics and percent."""
    reporter = _keras_reporter(sys.modules["keras.src.callbacks.callback"])
    original = module.CallbackList.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        with contextlib.suppress(Exception):
            extra = reporter()
            extra.set_params(self.params)
            self.callbacks.append(extra)

    module.CallbackList.__init__ = init


def _keras_reporter(module: Any) -> Any:
    class Reporter(module.Callback):  # type: ignore[misc]
        """Reports; touches the metrics (which may still be computing) only when a line is due."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.fit = _Fit(self.params or {})

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.fit.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.fit.tell_batch(batch + 1, logs)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.fit.tell_epoch(epoch + 1, logs)

    return Reporter


class _Fit:
    """How far one call of `fit` has come."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.epochs = int(params.get("epochs") or 1)
        self.steps = params.get("steps")
        self.epoch = 0
        self._first: int | None = None
        self._started = time.monotonic()
        self._throttle = progress.Throttle()

    def tell_batch(self, batch: int, logs: Any) -> None:
        if self.steps and self._throttle.ready():
            self._tell(self.epoch + batch / self.steps, self.epoch + 1, logs)

    def tell_epoch(self, epoch: int, logs: Any) -> None:
        if epoch == self.epochs or self._throttle.ready():
            self._tell(epoch, epoch, logs)

    def _tell(self, done: float, epoch: int, logs: Any) -> None:
        if self._first is None:
            self._first = self.epoch  # not 0 where `initial_epoch` is given
        spent = time.monotonic() - self._started
        work = done - self._first
        eta = spent / work * (self.epochs - done) if work > 0 else None
        percent = 100 * done / self.epochs
        progress.tell(percent=percent, epoch=epoch, epochs=self.epochs, eta=eta, metrics=dict(logs or {}))


def _patch_tqdm(module: Any) -> None:
    """Report the outermost bar of tqdm, whatever its look (`tqdm.auto`, notebook, console)."""
    original = module.tqdm.refresh
    throttle = progress.Throttle()

    def refresh(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        with contextlib.suppress(Exception):
            if self.total and self.pos == 0 and (throttle.ready() or self.n >= self.total):
                rate = self.format_dict.get("rate") or 0
                eta = (self.total - self.n) / rate if rate else None
                progress.tell(percent=100 * self.n / self.total, eta=eta, message=self.desc or None)
        return result

    module.tqdm.refresh = refresh


class _TorchRecorder:
    """Remembers shapes and types of what each PyTorch module was first called with (for its export)."""

    def __init__(self) -> None:
        self._module: Any = None
        self._handle: Any = None
        self._calls = 0

    def attach(self, module: Any) -> None:
        """PyTorch is there: record from now on."""
        self._module = module
        self.start_cell(None)

    def start_cell(self, info: object) -> None:
        """Record again: a cell may bring new modules."""
        self._calls = 0
        if self._module is not None and self._handle is None:
            self._handle = self._module.register_module_forward_pre_hook(self._record)

    def _record(self, module: Any, args: tuple[Any, ...]) -> None:
        if self._module.torch.compiler.is_compiling():
            return
        if module not in torch_inputs:
            with contextlib.suppress(Exception):
                torch_inputs[module] = [_describe(arg) for arg in args]
            return
        self._calls += 1
        if self._calls > _HOOK_CALLS and self._handle is not None:
            self._handle.remove()
            self._handle = None

    def stop(self) -> None:
        """Take the hook away, for good."""
        if self._handle is not None:
            self._handle.remove()
        self._module = self._handle = None


_torch_recorder = _TorchRecorder()


def stop_recording() -> None:
    """No more recording of PyTorch's inputs; called before models are exported."""
    _torch_recorder.stop()


def _describe(tensor: Any) -> tuple[tuple[int, ...], Any, Any]:
    small = not tensor.is_floating_point() and tensor.numel() <= _SMALL
    return tuple(tensor.shape), tensor.dtype, tensor.detach().cpu().clone() if small else None
