from __future__ import annotations

from pathlib import Path

import pytest

from perijove_lab.runner.errors import SpecError
from perijove_lab.runner.spec import InputSpec
from perijove_lab.runner.stage import stage


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "dataset_1.dat"
    path.write_text("content")
    return path


def an_input(source: Path, path: str) -> InputSpec:
    return InputSpec(source=source, path=path, name="ct.h5")


@pytest.mark.parametrize(
    "path", ["ct.h5", "data/deep/ct.h5", "./data//ct.h5", "data/../ct.h5", "Bilder/Ü 1.h5"]
)
def test_an_input_appears_under_its_path(work: Path, source: Path, path: str) -> None:
    stage((an_input(source, path),), work)
    assert (work / path).read_text() == "content"
    assert (work / path).is_symlink()


def test_an_absolute_path_inside_work(work: Path, source: Path) -> None:
    stage((an_input(source, str(work / "data" / "a.h5")),), work)
    assert (work / "data" / "a.h5").read_text() == "content"


def test_staging_again_changes_nothing(work: Path, source: Path) -> None:
    for _ in range(2):
        stage((an_input(source, "a/b.h5"),), work)
    assert (work / "a" / "b.h5").read_text() == "content"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x", "a/../../x", ".", "./", "a/..", "x" * 10_000, "a/" + "ü" * 200]
)
def test_paths_that_are_refused(work: Path, source: Path, path: str) -> None:
    with pytest.raises(SpecError, match="cannot be used") as caught:
        stage((an_input(source, path),), work)
    assert len(caught.value.message) < 400
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(("first", "second"), [("a", "a"), ("a", "./a"), ("a", "a/b"), ("a/b", "a")])
def test_inputs_that_collide(work: Path, source: Path, first: str, second: str) -> None:
    with pytest.raises(SpecError, match="cannot be used"):
        stage((an_input(source, first), an_input(source, second)), work)


def test_a_file_in_the_way(work: Path, source: Path) -> None:
    (work / "ct.h5").write_text("mine")
    with pytest.raises(SpecError, match="already stands there"):
        stage((an_input(source, "ct.h5"),), work)
    assert (work / "ct.h5").read_text() == "mine"


def test_a_link_that_leads_out(work: Path, source: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (work / "data").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpecError, match="leaves the working directory"):
        stage((an_input(source, "data/ct.h5"),), work)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_missing_source_and_a_folder(work: Path, tmp_path: Path) -> None:
    for source in (tmp_path / "none", tmp_path):
        with pytest.raises(SpecError, match="missing"):
            stage((an_input(source, "a"),), work)
