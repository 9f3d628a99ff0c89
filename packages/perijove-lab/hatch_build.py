"""Puts the built JupyterLab extension where a lab looks for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("src/perijove_lab/labextension")
INSTALLED = "share/jupyter/labextensions/perijove-lab"


class LabExtensionHook(BuildHookInterface):  # type: ignore[type-arg]
    """A wheel carries the extension; an editable installation, which shows no panels, does without."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """RuntimeError where the extension was not built before."""
        if version == "editable":
            return
        if not (Path(self.root) / BUILT / "package.json").is_file():
            raise RuntimeError(
                "The JupyterLab extension is not built: in packages/perijove-lab/frontend run "
                "`npm ci --omit=dev --ignore-scripts && npm run build`."
            )
        build_data["shared_data"][str(Path(self.root) / BUILT)] = INSTALLED
