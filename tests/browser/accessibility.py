"""What axe says of a page: rules of WCAG 2.2 AA and good practice, in the theme that the page shows."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "packages" / "perijove-lab" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
_RUN = """async (within) => {
  const found = await axe.run(within ?? document, {resultTypes: ["violations"], iframes: false});
  return found.violations.map(({id, impact, help, nodes}) => ({
    id, impact, help, where: nodes.slice(0, 5).map((node) => `${node.target} ${node.failureSummary}`)
  }));
}"""


def expect_accessible(page: Page, within: str | None = None, *, but: tuple[str, ...] = ()) -> None:
    """AssertionError with what axe finds serious on the page, or within the part that a selector names.

    Rules named in `but` are left out: for what a page of somebody else does wrong, say so beside the call.
    axe runs in the page by the browser's own means, so that no policy of the page stops it.
    """
    page.evaluate(_axe())
    found: list[dict[str, Any]] = page.evaluate(_RUN, within)
    serious = [one for one in found if one["impact"] in SERIOUS and one["id"] not in but]
    assert not serious, _told(serious)


def _told(violations: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"{one['impact']} {one['id']}: {one['help']}\n  " + "\n  ".join(one["where"]) for one in violations
    )


@cache
def _axe() -> str:
    if not AXE.is_file():
        subprocess.run([sys.executable, str(ROOT / "scripts" / "frontend.py"), "install"], check=True)
    return AXE.read_text(encoding="utf-8")
