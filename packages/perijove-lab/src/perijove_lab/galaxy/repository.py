"""A Git repository beside the notebooks."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from perijove_lab.runner.errors import SpecError

_PATIENCE = 300.0  # seconds
_ADVICE = "Give an address such as https://github.com/someone/something.git that anybody can read."


def clone(address: str, folder: Path) -> Path:
    """The working copy below `folder`. Raises SpecError with Git's own last word.

    Only https and http: no local path, no program and no key of this machine is ever used.
    """
    target = folder / folder_name(address)
    command = ["git", "-c", "protocol.allow=never", "-c", "protocol.https.allow=always"]
    command += ["-c", "protocol.http.allow=always", "clone", "--quiet", "--", address, str(target)]
    quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    quiet = {name: value for name, value in quiet.items() if name not in ("API_KEY", "PERIJOVE_ENTRY_POINT")}
    try:
        done = subprocess.run(
            command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired as error:
        raise SpecError(f"{address} was not cloned within {_PATIENCE:g} s.", advice=_ADVICE) from error
    except OSError as error:
        raise SpecError("Git is not installed here.", advice="Tell the administrator.") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SpecError(f"{address} was not cloned: {said}", advice=_ADVICE)
    return target


def folder_name(address: str) -> str:
    """The last part of the address. Raises SpecError for an address that is none, or that holds a secret."""
    try:
        parts = urlsplit(address)
        secret = parts.password or parts.username
    except ValueError:
        parts, secret = urlsplit(""), None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise SpecError(f"{address!r} is no address of a Git repository.", advice=_ADVICE)
    if secret:
        raise SpecError(
            "The repository's address holds a user name or password, which would stay in Galaxy's records.",
            advice="Clone it in the lab's terminal instead.",
        )
    name = parts.path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    clean = re.sub(r"[^\w.-]", "_", name).strip(".")
    return clean if clean and clean not in ("data", "outputs") else "repository"
