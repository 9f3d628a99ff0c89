"""Where packages come from on this machine: uv is told what pip has been told."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

_INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")


def pip_configuration(python: Path) -> dict[str, str]:
    """pip's options in force, by name without section, as `python`'s pip or the first on PATH says."""
    pips = [
        [str(python), "-m", "pip"],
        *([found] for name in ("pip", "pip3") if (found := shutil.which(name))),
    ]
    for pip in pips:
        run = subprocess.run(
            [*pip, "config", "list"], capture_output=True, text=True, timeout=60, check=False
        )
        if run.returncode == 0:
            return parse_configuration(run.stdout)
    return {}


def parse_configuration(listing: str) -> dict[str, str]:
    """Options of `pip config list`. Those of the environment win over those of files, as in pip."""
    from_files: dict[str, str] = {}
    from_environment: dict[str, str] = {}
    for line in listing.splitlines():
        key, separator, value = line.partition("=")
        if not separator:
            continue
        section, _, option = key.rpartition(".")
        into = from_environment if section == ":env:" else from_files
        if section in (":env:", "global", "install"):
            into[option] = str(ast.literal_eval(value))
    return {**from_files, **from_environment}


def uv_environment(
    configuration: Mapping[str, str], inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Variables for uv that say what `configuration` says to pip; uv's own variables are left as they are.

    Of several indexes the best version is taken, as pip does: uv would stop at the first that has the name.
    """
    have = os.environ if inherited is None else inherited
    wanted = {
        "UV_DEFAULT_INDEX": configuration.get("index-url", ""),
        "UV_INDEX": " ".join(configuration.get("extra-index-url", "").split()),
        "UV_FIND_LINKS": ",".join(configuration.get("find-links", "").split()),
        "UV_INSECURE_HOST": " ".join(configuration.get("trusted-host", "").split()),
        "SSL_CERT_FILE": configuration.get("cert", ""),
        "ALL_PROXY": configuration.get("proxy", ""),
    }
    if wanted["UV_INDEX"]:
        wanted["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if _set_for_uv(have):
        wanted.update(dict.fromkeys(("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_STRATEGY"), ""))
    return {name: value for name, value in wanted.items() if value and not have.get(name)}


def _set_for_uv(have: Mapping[str, str]) -> bool:
    return any(have.get(name) for name in _INDEX_VARIABLES)
