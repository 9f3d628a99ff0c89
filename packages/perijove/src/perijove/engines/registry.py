"""The engines there are, by the name that the settings give."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from perijove.core.errors import ConfigurationError
from perijove.core.settings import Settings
from perijove.engines.base import Engine
from perijove.engines.galaxy import GalaxyEngine
from perijove.engines.local import LocalEngine
from perijove.engines.several import Engines
from perijove.sandbox.launcher import Launcher

EngineFactory = Callable[[Launcher, Settings], Engine]

ENGINES: Mapping[str, EngineFactory] = {LocalEngine.name: LocalEngine}


def make_engine(name: str, *, launcher: Launcher, settings: Settings) -> Engine:
    """The engine called `name`. ConfigurationError lists those that exist."""
    if name not in ENGINES:
        raise ConfigurationError(
            f"There is no engine named {name!r}.", advice=f"There are: {', '.join(sorted(ENGINES))}."
        )
    return ENGINES[name](launcher, settings)


def make_engines(*, launcher: Launcher, settings: Settings) -> Engine:
    """Everything that runs jobs of one installation: this machine, and the Galaxies that its users link."""
    here = make_engine(LocalEngine.name, launcher=launcher, settings=settings)
    return Engines(here, GalaxyEngine(settings))
