"""How a Galaxy user comes in without typing: Galaxy's entry point leads to the lab, token included.

The tool's entry point is `lab/…?token=RANDOM`, drawn anew by Galaxy for each job and shown to its owner
only. The lab learns it from the variable that Galaxy sets to the entry point's path; without one there is
no lab.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from perijove_lab.runner.errors import SpecError

VARIABLE = "PERIJOVE_ENTRY_POINT"
PORT = 8888
_SHORTEST = 32


@dataclass(frozen=True, kw_only=True)
class Entrance:
    """Where the lab is seen, and what opens it."""

    base_url: str
    token: str = field(repr=False)


def entrance(environ: Mapping[str, str]) -> Entrance:
    """From `VARIABLE`. Raises SpecError where there is no token: the lab would be open to everybody."""
    parts = urlsplit(environ.get(VARIABLE, ""))
    token = (parse_qs(parts.query).get("token") or [""])[0]
    base, found, _ = parts.path.rpartition("/lab")
    if len(token) < _SHORTEST or not found:
        raise SpecError(
            "Galaxy gave this lab no token, and a lab is never open to everybody.",
            advice="Tell the administrator: the tool needs Galaxy 24.2 or newer.",
        )
    return Entrance(base_url=f"{base}/", token=token)


def free_port() -> int:
    """One of this machine's, for a lab that has no container of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tell_galaxy(here: Path, port: int) -> None:
    """What Galaxy's monitor says of a container, where there is none: written whole or not at all."""
    place = here.parent / "container_runtime.json"
    new = place.with_suffix(".new")
    new.write_text(json.dumps({str(PORT): {"host": "127.0.0.1", "port": port, "protocol": "tcp"}}))
    os.replace(new, place)
