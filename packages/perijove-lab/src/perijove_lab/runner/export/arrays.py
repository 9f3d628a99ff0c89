"""Arrays, tensors, data frames, containers and scalars → one HDF5 file.

The layout is described in docs/reference/exporters.md; `export.arrays_read` reads it back.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import Any

from perijove_lab.runner.export.encoders import Encoder
from perijove_lab.runner.export.inputs import InputArrays
from perijove_lab.runner.export.tensors import framework_of, source_of
from perijove_lab.runner.export.unsaveable import UnsaveableError

FORMAT = "perijove-arrays"
VERSION = 1
_SPARE = 64 * 1024 * 1024  # bytes of disk that stay free


class CameFromInputError(Exception):
    """The variable is an input's array, unchanged; it is not written again."""

    def __init__(self, input_path: str, dataset: str) -> None:
        super().__init__(input_path)
        self.input_path = input_path
        self.dataset = dataset


class ArrayFile:
    """The HDF5 file while it is written. `close(keep=…)` ends it."""

    def __init__(self, path: Path, inputs: InputArrays) -> None:
        import h5py

        self.path = path
        self._part = path.with_name(f".{path.name}.part")
        self._inputs = inputs
        self._file = h5py.File(self._part, "w", track_order=True, libver=("earliest", "v110"))
        self._file.attrs.update(format=FORMAT, version=VERSION)
        self.names: list[str] = []
        self.left_out: list[tuple[str, str, str]] = []

    def add(self, name: str, value: Any) -> None:
        """Write one variable; what of a container cannot be saved goes to `left_out` (name, type, reason).

        Raises UnsaveableError (or whatever a library raises) when nothing of it can be saved, then nothing
        of it stands in the file, and CameFromInputError for an input's own array.
        """
        framework = framework_of(value)
        if framework:
            source = source_of(value, framework)
            self._refuse_when_full(source.nbytes)
            match = self._inputs.match(source)
            if match:
                raise CameFromInputError(*match)
        encoder = Encoder(name)
        try:
            encoder.encode(self._file, name, value, 0)
            if not encoder.saved:
                raise UnsaveableError(
                    encoder.left_out[0][2] if encoder.left_out else "there is nothing in it"
                )
        except BaseException:
            with contextlib.suppress(Exception):
                del self._file[name]
            raise
        self.names.append(name)
        self.left_out += encoder.left_out

    def close(self, *, keep: bool) -> None:
        """Give the file its name, or drop it where `keep` is false. Raises OSError on a full disk."""
        try:
            self._file.close()
            if keep:
                self._part.replace(self.path)
        finally:
            self._part.unlink(missing_ok=True)

    def _refuse_when_full(self, nbytes: int) -> None:
        if nbytes + _SPARE > shutil.disk_usage(self.path.parent).free:
            raise UnsaveableError(f"the disk has no room for its {nbytes / 1e6:,.0f} MB")
