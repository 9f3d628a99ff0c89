"""Read back the HDF5 file in which a job returns its variables."""

from __future__ import annotations

from typing import Any

from perijove_lab.client.errors import InputError
from perijove_lab.client.models import local_path


def load_arrays(source: Any) -> dict[str, Any]:
    """The variables by name. InputError where the file is none of a job's."""
    from perijove_lab.runner.export.arrays_read import read

    path = local_path(source)
    try:
        return dict(read(path))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a job's arrays: {error}.") from error
