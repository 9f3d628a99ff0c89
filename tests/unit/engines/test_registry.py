from __future__ import annotations

import pytest
from tests.unit.engines.doubles import ScriptedLauncher, machine

from perijove.core.errors import ConfigurationError
from perijove.core.settings import Settings
from perijove.engines.registry import make_engine


def test_engines_are_found_by_name():
    engine = make_engine("local", launcher=ScriptedLauncher(machine()), settings=Settings())
    assert engine.name == "local"


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(ConfigurationError, match=r"'slurmy'.*There are: local"):
        make_engine("slurmy", launcher=ScriptedLauncher(machine()), settings=Settings())
