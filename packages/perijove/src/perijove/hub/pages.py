"""Pages of the hub: templates, static files, and the pieces of HTML that the spawner makes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from perijove.core.errors import PerijoveError
from perijove.core.resources import format_size
from perijove.core.settings import Settings
from perijove.hub.flavors import Machine, Offer, holding
from perijove.hub.news import read_news
from perijove.hub.people import is_administrator

_PACKAGE = Path(__file__).parent
TEMPLATES = _PACKAGE / "templates"
STATIC = _PACKAGE / "static"


def update_pages(c: Any, settings: Settings) -> None:
    """Templates over JupyterHub's own, static files beside them; nothing comes from another host."""
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    c.JupyterHub.logo_file = str(STATIC / "logo.svg")
    c.JupyterHub.template_vars = {
        "user_is_administrator": _user_is_administrator,
        "native": settings.hub.authenticator == "native",
        "single_user": settings.single_user,
        "news": lambda _user: read_news(settings.layout.news_file),
    }


def _user_is_administrator(user: Any) -> bool:
    """JupyterHub calls this with the user of each page."""
    return user is not None and is_administrator(user)


@lru_cache(maxsize=1)
def _pieces() -> Environment:
    environment = Environment(loader=FileSystemLoader(TEMPLATES / "pieces"), autoescape=True)
    environment.filters["size"] = format_size
    environment.globals["holding"] = holding
    return environment


def piece(name: str, **values: Any) -> str:
    """One of the small templates, filled; what is put in is taken for text."""
    return _pieces().get_template(name).render(**values)


def spawn_form(
    *, offers: Sequence[Offer], machine: Machine | None, error: PerijoveError | None = None
) -> str:
    """The inside of the start page's form."""
    return piece("flavors.html", offers=offers, machine=machine, error=error)


def spawn_failure(message: str, advice: str, log: str = "") -> str:
    """Why a lab did not start and what to do, as HTML."""
    return piece("failure.html", message=message, advice=advice, log=log)
