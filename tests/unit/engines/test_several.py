from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.engines.doubles import ScriptedLauncher, machine

from perijove.core.errors import EngineError, StorageError
from perijove.core.settings import Settings
from perijove.engines.base import Engine, EngineJob
from perijove.engines.galaxy import GalaxyEngine
from perijove.engines.local import LocalEngine
from perijove.engines.several import Engines


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Engine, Engine, Engine]:
    settings = Settings(home=tmp_path)
    local = LocalEngine(ScriptedLauncher(machine()), settings)
    galaxy = GalaxyEngine(settings)
    return Engines(local, galaxy), local, galaxy


def job(engine: str, directory: Path) -> EngineJob:
    return EngineJob(id="a1", owner="ada", directory=directory, submitted=1.0, engine=engine)


def test_a_job_goes_to_the_engine_that_it_names(parts, tmp_path: Path):
    engines, local, galaxy = parts
    engines.submit(job("local", tmp_path))
    assert local.status("a1").state == engines.status("a1").state == "waiting"
    assert galaxy.status("a1").state == "unknown"
    engines.cancel("a1")
    assert engines.status("a1").cancelled


def test_who_has_linked_no_account_gets_no_job_on_a_galaxy(parts, tmp_path: Path):
    with pytest.raises(EngineError, match="No Galaxy account is linked") as refused:
        parts[0].submit(job("galaxy", tmp_path))
    assert not refused.value.retry
    assert parts[0].status("a1").state == "unknown"


def test_an_engine_that_is_gone(parts, tmp_path: Path):
    with pytest.raises(EngineError, match="no engine named 'slurm'"):
        parts[0].submit(job("slurm", tmp_path))


def test_trouble_of_one_engine_holds_up_no_other(parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    engines, local, galaxy = parts

    def full() -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(galaxy, "advance", full)
    engines.submit(job("local", tmp_path))
    engines.advance()
    assert local.status("a1").state == "running"
