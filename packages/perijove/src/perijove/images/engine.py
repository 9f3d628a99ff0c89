"""podman or docker, whichever is here: how images are built and looked at."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perijove.core.errors import BadRequestError, ConfigurationError, PerijoveError
from perijove.environments.tools import Report, run_tool
from perijove.sandbox.podman import machine_options, process_limits

KINDS = ("podman", "docker")
_STEPS = re.compile(r"^(STEP \d|\[\d+/\d+\]|#\d+ \[|(ai|lab): |Installed |error|Error)")
_INSTALL = "Install podman (Debian, Ubuntu: apt-get install podman; Fedora: dnf install podman) or Docker."


@dataclass(frozen=True, kw_only=True)
class Engine:
    """One container engine of this machine."""

    kind: str
    program: str

    def build(self, arguments: Sequence[object], *, log: Path, report: Report) -> None:
        """`build` with these arguments. PerijoveError with the last lines where a step fails."""
        podman = self.kind == "podman"
        # Docker's own builder of old does not know mounts.
        env = {} if podman else {"DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain"}
        # The machine's own network: an index or a proxy may be on its loopback.
        own = ["--format=docker", "--network=host", *process_limits()] if podman else []
        command = [self.program, *self.options, "build", *own, *arguments]
        run_tool(command, what="Building the image", log=log, env=env, report=report, interesting=_STEPS)

    def ask(self, *arguments: str) -> str:
        """The answer to a short question. PerijoveError in the engine's own words where it refuses."""
        run = subprocess.run(
            [self.program, *self.options, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if run.returncode != 0:
            raise PerijoveError(
                f"{self.kind} {arguments[0]} failed: {run.stderr.strip() or 'no reason given'}"
            )
        return run.stdout

    def inspect(self, image: str) -> dict[str, Any] | None:
        """What the engine knows of an image; None where there is none of this name."""
        try:
            found = json.loads(self.ask("image", "inspect", image))
        except PerijoveError:
            return None
        return dict(found[0]) if found else None

    @property
    def options(self) -> list[str]:
        """What stands before every command."""
        return machine_options() if self.kind == "podman" else []


def find_engine(wanted: str = "") -> Engine:
    """The engine `wanted`, else podman, else a docker whose daemon answers.

    ConfigurationError says what to install or to start.
    """
    if wanted and wanted not in KINDS:
        raise BadRequestError(f"There is no engine {wanted!r}.", advice=f"Choose one of: {', '.join(KINDS)}.")
    refused = []
    for kind in [wanted] if wanted else KINDS:
        program = shutil.which(kind)
        if program is None:
            refused.append(f"{kind} is not installed")
        elif reason := _refusal(kind, program):
            refused.append(reason)
        else:
            return Engine(kind=kind, program=program)
    raise ConfigurationError(f"No container engine can be used: {'; '.join(refused)}.", advice=_INSTALL)


def _refusal(kind: str, program: str) -> str:
    """Why an installed engine cannot be used; empty where it can."""
    question = ["info"] if kind == "podman" else ["version", "--format", "{{.Server.Version}}"]
    options = machine_options() if kind == "podman" else []
    try:
        run = subprocess.run(
            [program, *options, *question], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{kind} does not answer ({error})"
    if run.returncode == 0:
        return ""
    return f"{kind} does not work here ({(run.stderr.strip().splitlines() or ['no reason given'])[-1]})"
