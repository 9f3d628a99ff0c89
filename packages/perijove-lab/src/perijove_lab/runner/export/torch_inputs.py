"""A sample input for a PyTorch module."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from perijove_lab.runner import observe
from perijove_lab.runner.export.unsaveable import UnsaveableError
from perijove_lab.runner.samples import SEED, Samples

_ROWS = 8
_TRIES = 12
_ADVICE = (
    "no sample input is known for it: call it once in the job, keep an array of a fitting shape, "
    "or set its attribute `example_input`"
)


def example_for(model: Any, samples: Samples, *, compiled: Any) -> tuple[tuple[Any, ...], str]:
    """Arguments that the module accepts, at least two rows each, on its device; and where they come from.

    `compiled` is what `torch.compile` made of the module, where it did: calls were seen by that name.
    Raises UnsaveableError with advice when none is found.
    """
    import torch

    place = next((tensor for tensor in (*model.parameters(), *model.buffers())), None)
    device = place.device if place is not None else torch.device("cpu")
    for number, (arguments, origin) in enumerate(_candidates(model, samples, compiled)):
        prepared = tuple(_rows(argument).to(device) for argument in arguments)
        if _accepts(model, prepared):
            return prepared, origin
        if number >= _TRIES:
            break
    raise UnsaveableError(_ADVICE)


def _candidates(model: Any, samples: Samples, compiled: Any) -> Iterator[tuple[tuple[Any, ...], str]]:
    given = getattr(model, "example_input", None)
    if given is None:
        given = getattr(model, "example_input_array", None)  # as PyTorch Lightning names it
    if given is not None:
        yield (tuple(given) if isinstance(given, list | tuple) else (given,)), "example_input"
    seen = observe.torch_inputs.get(model) or observe.torch_inputs.get(compiled)
    if seen:
        yield _like(seen, samples)
    yield from _from_loaders(samples)
    yield from _from_arrays(model, samples)


def _like(seen: list[tuple[tuple[int, ...], Any, Any]], samples: Samples) -> tuple[tuple[Any, ...], str]:
    """Inputs of the shapes and types that the module was called with; real rows where there are any."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    arguments, origin = [], "random"
    for shape, dtype, kept in seen:
        found = samples.rows((None, *shape[1:]), kinds="f") if dtype.is_floating_point and shape else None
        if kept is not None:
            arguments.append(kept)
        elif found:
            arguments.append(torch.from_numpy(found[0]).to(dtype))
            origin = found[1]
        elif dtype.is_floating_point:
            arguments.append(torch.randn(_small(shape), generator=generator).to(dtype))
        else:
            arguments.append(torch.zeros(_small(shape), dtype=dtype))
    return tuple(arguments), origin


def _small(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (min(_ROWS, shape[0]), *shape[1:]) if shape else ()


def _from_loaders(samples: Samples) -> Iterator[tuple[tuple[Any, ...], str]]:
    """What a DataLoader would give first, taken from its data set without starting workers."""
    import torch

    for name, value in samples.of_type("DataLoader"):
        batch = None
        with contextlib.suppress(Exception):  # data sets of the user's own making raise whatever they like
            batch = value.collate_fn([value.dataset[index] for index in range(2)])
        first = batch[0] if isinstance(batch, list | tuple) and batch else batch
        if isinstance(first, torch.Tensor):
            yield (first,), name


def _from_arrays(model: Any, samples: Samples) -> Iterator[tuple[tuple[Any, ...], str]]:
    import torch

    floating = all(parameter.is_floating_point() for parameter in model.parameters())
    for name, rows in samples.every(kinds="fiu"):
        tensor = torch.from_numpy(rows)
        yield (tensor.float() if floating and tensor.is_floating_point() else tensor,), name


def _rows(tensor: Any) -> Any:
    """At most eight rows and at least two, since one would be taken for a fixed size."""
    import torch

    if not tensor.dim():
        return tensor
    return torch.cat([tensor, tensor]) if tensor.shape[0] == 1 else tensor[:_ROWS]


def _accepts(model: Any, arguments: tuple[Any, ...]) -> bool:
    import torch

    try:
        with torch.no_grad():
            model(*arguments)
    except Exception:  # a wrong shape or type: whatever the module raises
        return False
    return True
