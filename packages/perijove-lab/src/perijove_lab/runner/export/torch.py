"""PyTorch → ONNX with `torch.onnx.export(dynamo=True)`, the batch size left open."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perijove_lab.runner.export.registry import Exported, Request, Sample, files_of, opset_of
from perijove_lab.runner.export.torch_inputs import example_for
from perijove_lab.runner.export.unsaveable import UnsaveableError, reason_of


def matches(value: Any) -> bool:
    """Whether the value is a module of PyTorch (an instance)."""
    module = getattr(getattr(sys.modules["torch"], "nn", None), "Module", None)
    return module is not None and isinstance(value, module)


def export(request: Request) -> Exported:
    """Write the module as it evaluates (dropout off). Raises UnsaveableError with the reason.

    Needs a sample input: what the module was called with in the job, its attribute `example_input`, a
    DataLoader or an array of a fitting shape.
    """
    model = _checked(request.value)
    with _evaluating(model):
        arguments, origin = example_for(model, request.samples, compiled=request.value)
        dynamic = write(model, arguments, request.path)
    written = _without_weights(request.path)
    metadata = {"exporter": "PyTorch", "opset": opset_of(written), "dynamic_batch": dynamic}
    names = [item.name for item in written.graph.input]
    try:
        feeds = {name: tensor.detach().cpu().numpy() for name, tensor in zip(names, arguments, strict=False)}
    except TypeError as error:  # bfloat16 and its like
        metadata["reason"] = f"its inputs cannot be made with NumPy: {error}"
        return Exported(files=files_of(request.path), sample=None, metadata=metadata)
    sample = Sample(feeds=feeds, original=lambda: _predictions(model, arguments), origin=origin)
    return Exported(files=files_of(request.path), sample=sample, metadata=metadata)


def _checked(model: Any) -> Any:
    import torch

    if type(model).__module__.startswith("torch.nn.modules.loss"):
        raise UnsaveableError("a loss function is no model")
    if isinstance(model, torch.jit.ScriptModule):
        raise UnsaveableError("TorchScript modules are not exported: keep the original module")
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    if isinstance(model, torch.nn.DataParallel | torch.nn.parallel.DistributedDataParallel):
        model = model.module
    if next(model.parameters(), None) is None and next(model.buffers(), None) is None:
        raise UnsaveableError("a module without parameters is no model")
    return model


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


def write(model: Any, arguments: tuple[Any, ...], path: Path) -> bool:
    """Export with an open batch size; where the module fixes it, with the sample's. True: open."""
    try:
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UnsaveableError("onnxscript is not installed in this kernel") from error
    try:
        _export(model, arguments, path, dynamic=True)
    except Exception:
        try:
            _export(model, arguments, path, dynamic=False)
        except Exception as error:
            raise UnsaveableError(f"torch.onnx could not export it: {reason_of(error)[:300]}") from error
        return False
    return True


def _export(model: Any, arguments: tuple[Any, ...], path: Path, *, dynamic: bool) -> None:
    import torch

    shapes = tuple({0: torch.export.Dim.DYNAMIC} if arg.dim() else None for arg in arguments)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model, arguments, dynamo=True, verbose=False, dynamic_shapes=shapes if dynamic else None
        )
        if dynamic and not _open(program):
            raise UnsaveableError("the batch size got fixed")
        program.save(str(path), external_data=_bytes(model) > 1_800_000_000)


def _open(program: Any) -> bool:
    return all(not isinstance(item.shape[0], int) for item in program.model.graph.inputs if item.shape)


def _bytes(model: Any) -> int:
    tensors = [*model.parameters(), *model.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _without_weights(path: Path) -> Any:
    import onnx

    return onnx.load(str(path), load_external_data=False)


def _predictions(model: Any, arguments: tuple[Any, ...]) -> list[Any]:
    import torch

    with _evaluating(model), torch.no_grad():
        return [tensor.detach().cpu().numpy() for tensor in _flat(model(*arguments))]


def _flat(outputs: Any) -> Iterator[Any]:
    """The tensors of an output in order, whatever holds them."""
    import torch

    for leaf in torch.utils._pytree.tree_leaves(outputs):
        if isinstance(leaf, torch.Tensor):
            yield leaf
