"""PyTorch in the build that fits the machine, or plainly none: never CUDA on a machine without a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perijove.environments.declared import Declared

# Of CUDA's generations only 12: TensorFlow is built for it, and cuDNN and NCCL of two generations overwrite
# each other's files in one environment. The newest that PyTorch's index offers is taken.
_GPU_BACKENDS = ("cu129", "cu128", "cu126")
ABSENT = "neither PyTorch's own index nor a wheel in pip's find-links could be reached"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """Arguments for `uv pip install`: an environment's lock and PyTorch; `label` says which build."""

    label: str
    arguments: tuple[str, ...]


def without_torch(environment: Declared) -> Layer:
    """The lock alone, and what of its packages' own needs it leaves out."""
    overrides = ("--override", str(environment.overrides)) if environment.overrides.is_file() else ()
    return Layer(label="", arguments=("-r", str(environment.lock), *overrides))


def layers(environment: Declared, scratch: Path) -> list[Layer]:
    """The ways to get PyTorch for this variant, best first. `scratch` holds lists written for them."""
    if environment.variant == "gpu":
        return [_gpu_layer(environment, backend, scratch) for backend in _GPU_BACKENDS]
    both = ("-r", str(environment.lock), "-r", str(environment.torch_lock))
    return [
        Layer(label="cpu", arguments=both),  # a wheel in find-links, or an index of one's own
        Layer(label="cpu", arguments=(*both, "--torch-backend", "cpu")),
    ]


def _gpu_layer(environment: Declared, backend: str, scratch: Path) -> Layer:
    """PyTorch pins CUDA's libraries, TensorFlow and JAX give ranges: these lines of the lock give way."""
    relaxed = scratch / f"{environment.name}-without-cuda-pins.txt"
    lines = environment.lock.read_text().splitlines()
    relaxed.write_text("".join(f"{line}\n" for line in lines if not line.startswith("nvidia-")))
    lists = (relaxed, environment.folder / "packages-gpu.txt", environment.torch_lock)
    arguments = tuple(part for file in lists if file.is_file() for part in ("-r", str(file)))
    return Layer(label=backend, arguments=(*arguments, "--torch-backend", backend))
