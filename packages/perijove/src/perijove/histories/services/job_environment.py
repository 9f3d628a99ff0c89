"""Which environment runs a job: the one of the kernel that it, or its notebook, names."""

from __future__ import annotations

from collections.abc import Collection

from perijove.core.errors import BadRequestError
from perijove.environments.optional import OPTIONAL


def environment_for(
    asked: str | None, notebook: str, offered: Collection[str], *, on_galaxy: bool = False
) -> str:
    """The optional environment of the kernel `asked` for, else of the one that the notebook names.

    Empty: the platform's own choice. BadRequestError where that environment exists but is not installed; a
    Galaxy has environments of its own, so nothing is chosen for a job there.
    """
    name = asked or notebook
    if on_galaxy or name not in OPTIONAL:
        return ""
    if name not in offered:
        raise BadRequestError(
            f"The kernel {OPTIONAL[name].title} is not installed here.",
            advice=f"Ask your administrator for it: `perijove env install {name}`.",
        )
    return name
