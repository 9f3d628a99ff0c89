"""Write the kernelspec that leads from the lean lab environment to a kernel's environment."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

EXTENSION_CONFIG = {"ServerApp": {"jpserver_extensions": {"perijove_lab.extension": True}}}


def kernelspec(env_prefix: Path, *, name: str, display_name: str) -> dict[str, Any]:
    """The content of `kernel.json`."""
    return {
        "argv": [
            f"{env_prefix}/bin/python",
            "-P",
            "-m",
            "perijove_lab.kernel",
            "start",
            "-f",
            "{connection_file}",
        ],
        "display_name": display_name,
        "language": "python",
        "metadata": {
            "debugger": True,
            "supported_encryption": ["curve"],
            "perijove": {"environment": name, "prefix": str(env_prefix)},
        },
        "kernel_protocol_version": "5.5",
    }


def install(env_prefix: Path, lab_prefix: Path, *, name: str, display_name: str, default: bool) -> list[Path]:
    """Register the kernel with the lab and switch on the lab's server extension. Returns the files written.

    The default kernel takes the name `python3`, so that notebooks made anywhere open with it; it takes
    the place of the lab environment's own Python, which has none of the packages a user wants.
    """
    content = kernelspec(env_prefix, name=name, display_name=display_name)
    folder = lab_prefix / "share" / "jupyter" / "kernels" / ("python3" if default else name)
    config = lab_prefix / "etc" / "jupyter" / "jupyter_server_config.d" / "perijove_lab.json"
    files = [folder / "kernel.json", config]
    _write(files[0], content)
    _write(files[1], EXTENSION_CONFIG)
    return files


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace, never write into: an installer may have linked the file to its own cache."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
