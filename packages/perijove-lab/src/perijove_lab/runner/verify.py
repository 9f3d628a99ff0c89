"""Verify: load an ONNX model again and compare it with its original on a sample."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perijove_lab.runner.export.registry import Sample

ABSOLUTE = RELATIVE = 1e-4
HALF = 1e-2  # for models that compute in 16 bits


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What the comparison gave. `max_difference` is absolute, over all compared numbers of the sample."""

    verified: bool
    max_difference: float | None
    reason: str = ""
    sample: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[dict[str, Any], ...] = ()
    outputs: tuple[dict[str, Any], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the manifest's metadata holds it."""
        return {
            "verified": self.verified,
            "max_difference": self.max_difference,
            "reason": self.reason,
            "sample": self.sample,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
        }


def verify(path: Path, sample: Sample) -> Verification:
    """Run the file in onnxruntime (on the CPU) and the original on the same sample, and compare.

    Raises whatever onnxruntime raises for a model that it cannot load or run.
    """
    session = _session(path)
    got = session.run(None, _feeds(session, sample))
    with _exact_arithmetic():
        expected = sample.original()
    difference, problems = compare(expected, got)
    shapes = {name: list(value.shape) for name, value in sample.feeds.items()}
    return Verification(
        verified=not problems,
        max_difference=difference,
        reason="; ".join(problems),
        sample={"origin": sample.origin, "shapes": shapes},
        inputs=tuple(_described(item) for item in session.get_inputs()),
        outputs=tuple(_described(item) for item in session.get_outputs()),
    )


def _session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _feeds(session: Any, sample: Sample) -> dict[str, Any]:
    """The sample under the names that the model's inputs have: its own, or by position."""
    arrays = list(sample.feeds.values())
    names = [item.name for item in session.get_inputs()]
    return {name: sample.feeds.get(name, arrays[min(at, len(arrays) - 1)]) for at, name in enumerate(names)}


def _described(item: Any) -> dict[str, Any]:
    return {"name": item.name, "type": item.type, "shape": list(item.shape or [])}


def compare(expected: list[Any], got: list[Any]) -> tuple[float | None, list[str]]:
    """The largest absolute difference over all pairs, and what is wrong (nothing: they agree)."""
    differences: list[float] = []
    problems: list[str] = []
    for index, (want, have) in enumerate(zip(expected, got, strict=False)):
        if want is not None:
            _compare_one(index, want, have, differences, problems)
    if not differences and not problems:
        problems.append("there was nothing to compare")
    return (max(differences) if differences else None), problems


def _compare_one(index: int, want: Any, have: Any, differences: list[float], problems: list[str]) -> None:
    import numpy as np

    want, have = np.asarray(want), np.asarray(have)
    if want.size != have.size:
        problems.append(f"output {index} has shape {have.shape}, the original {want.shape}")
        return
    have = have.reshape(want.shape)
    if want.dtype.kind not in "fc":
        _compare_labels(index, want, have, differences, problems)
        return
    difference = _distance(want, have)
    if not math.isfinite(difference):
        problems.append(f"output {index} is not finite where the original is, or the other way round")
        return
    differences.append(difference)
    allowed = _allowed(want)
    if not difference <= allowed:
        problems.append(f"output {index} differs by up to {difference:.3g}; {allowed:.3g} is allowed")


def _distance(want: Any, have: Any) -> float:
    """The largest absolute difference; what is NaN, or the same infinity, in both does not differ."""
    import numpy as np

    want, have = want.astype(np.float64), have.astype(np.float64)
    same = (want == have) | (np.isnan(want) & np.isnan(have))
    return float(np.max(np.abs(have[~same] - want[~same]), initial=0.0))


def _allowed(want: Any) -> float:
    import numpy as np

    largest = float(np.max(np.abs(want[np.isfinite(want)]), initial=0.0))
    if want.dtype.itemsize <= 2:
        return HALF * max(1.0, largest)
    return ABSOLUTE + RELATIVE * largest


def _compare_labels(index: int, want: Any, have: Any, differences: list[float], problems: list[str]) -> None:
    import numpy as np

    if want.dtype.kind in "OUS":
        want, have = want.astype(str), have.astype(str)
    wrong = int(np.sum(want != have))
    if not wrong or want.dtype.kind != "U":
        differences.append(_distance(want, have) if wrong else 0.0)
    if wrong:
        problems.append(f"{wrong} of {want.size} labels of output {index} differ")


@contextlib.contextmanager
def _exact_arithmetic() -> Iterator[None]:
    """Full 32-bit arithmetic on GPUs while the original computes: TensorFloat-32 alone differs by 1e-3."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(Exception):
            _without_tf32_in_torch(stack)
        with contextlib.suppress(Exception):
            _without_tf32_in_tensorflow(stack)
        yield


def _without_tf32_in_torch(stack: contextlib.ExitStack) -> None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return
    for backend in (torch.backends.cuda.matmul, torch.backends.cudnn):
        stack.callback(setattr, backend, "allow_tf32", backend.allow_tf32)
        backend.allow_tf32 = False


def _without_tf32_in_tensorflow(stack: contextlib.ExitStack) -> None:
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is None:
        return
    config = tensorflow.config.experimental
    stack.callback(config.enable_tensor_float_32_execution, config.tensor_float_32_execution_enabled())
    config.enable_tensor_float_32_execution(False)
