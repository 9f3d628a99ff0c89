"""The protein notebooks: ColabFold's real code on random weights, IgFold on its real ones.

They need the optional environments: `perijove env install colabfold`, `perijove env install igfold`. A real
alignment is taken where PERIJOVE_TEST_A3M names one (`.a3m` or `.a3m.gz`); else a drawn one.
"""

from __future__ import annotations

import ast
import gzip
import json
import os
import random
import re
import subprocess
from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError
from tests.integration.notebooks.conftest import Run, pictures_in, text_of

from perijove.environments.optional import offered
from perijove.testing.history_server import HistoryServer

pytestmark = [pytest.mark.ai, pytest.mark.slow, pytest.mark.timeout(1800)]

SEQUENCE = "PIAQIHILEGRSDEQKETLIREVSEAISRSLDAPLTSVRVIITEMAKGHFGIGGELASK"
SMALL = {"models": 1, "recycles": 0, "max_msa": "16:32"}
QUIET = {"no_proxy": "127.0.0.1"} | dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")


def need(environments: Path, name: str) -> None:
    if not (environments / name / "bin" / "python").is_file():
        pytest.skip(f"needs the environment {name}: perijove env install {name}")


@pytest.fixture(scope="session")
def weights(history_server: HistoryServer, environments: Path) -> Path:
    """Where labs and jobs find what an administrator has put for everybody; random numbers here."""
    need(environments, "colabfold")
    folder = history_server.settings.layout.weights
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("random_weights.py")
    python = environments / "colabfold" / "bin" / "python"
    subprocess.run([python, script, folder / "colabfold"], check=True, capture_output=True)
    return folder


def write_alignment(path: Path) -> int:
    """An alignment of SEQUENCE: the real one that PERIJOVE_TEST_A3M names, else drawn. How many sequences."""
    if given := os.environ.get("PERIJOVE_TEST_A3M"):
        raw = Path(given).read_bytes()
        path.write_bytes(gzip.decompress(raw) if given.endswith(".gz") else raw)
    else:
        draw = random.Random(0)
        rows = ["".join(one if draw.random() < 0.6 else draw.choice("ADEGKLS") for one in SEQUENCE)] * 60
        path.write_text("".join(f">{n}\n{row}\n" for n, row in enumerate([SEQUENCE, *rows])))
    return path.read_text().count(">")


def changed(**values: object) -> str:
    return "\n".join(f"{name} = {value!r}" for name, value in values.items())


def test_without_weights_it_says_what_to_do(run: Run, environments: Path):
    need(environments, "colabfold")
    with pytest.raises(CellExecutionError, match="No weights of AlphaFold2 lie in"):
        run("protein-folding/1_colabfold.ipynb", variables=QUIET)


def test_colabfold_from_an_alignment_to_a_structure(run: Run, home: Path, weights: Path):
    folder = home / "notebooks" / "protein-folding"
    count = write_alignment(folder / "4ot.a3m")
    cell = changed(
        name="4OT", sequence="", alignment="4ot.a3m", search=False, weights="", download=False, **SMALL
    )
    notebook = run(
        "protein-folding/1_colabfold.ipynb",
        variables=QUIET | {"PERIJOVE_WEIGHTS": str(weights)},
        changed={"parameters": cell},
        seconds=900,
    )
    assert f"{count} sequences" in text_of(notebook, "input")
    assert f"{len(SEQUENCE)} residues: {SEQUENCE}" in text_of(notebook, "input")
    scores = json.loads(next((folder / "outputs" / "4OT").glob("*_scores_rank_001_*.json")).read_text())
    assert len(scores["plddt"]) == len(scores["pae"]) == len(SEQUENCE)
    assert "'residues': 59" in text_of(notebook, "check")
    assert pictures_in(notebook) >= 2
    shown = next(cell for cell in notebook.cells if cell["id"] == "view")["outputs"][0]["data"]
    assert shown["chemical/x-pdb"].count(" CA ") == len(SEQUENCE)


def test_colabfold_as_a_job(run: Run, weights: Path, history_server: HistoryServer):
    assert "colabfold" in offered(history_server.settings.layout)
    own = {"GALAXY_URL": history_server.url, "API_KEY": history_server.keys["alice"], "HISTORY_ID": ""}
    cell = changed(
        parameters=SMALL | {"name": "4OT"}, alignment="", weights="", resources={"cpus": 2}, job_id=""
    )
    notebook = run(
        "protein-folding/2_fold_remotely.ipynb",
        variables=QUIET | own,
        changed={"parameters": cell},
        seconds=900,
    )
    assert re.search(r"4OT\S*_unrelaxed_rank_001_\S+\.pdb", text_of(notebook, "results"))
    assert pictures_in(notebook) == 2


def test_igfold_asks_for_its_licence_first(run: Run, environments: Path, home: Path):
    need(environments, "igfold")
    with pytest.raises(CellExecutionError, match="licence of IgFold is not accepted"):
        run("protein-folding/3_antibodies.ipynb", variables=QUIET)
    assert not (home / "notebooks" / "protein-folding" / "outputs").exists()


def test_igfold_folds_real_antibodies_offline(run: Run, environments: Path, home: Path):
    need(environments, "igfold")
    path = home / "notebooks" / "protein-folding" / "3_antibodies.ipynb"
    source = next(cell for cell in json.loads(path.read_text())["cells"] if cell["id"] == "parameters")[
        "source"
    ]
    accepted = "".join(source).replace("accept_licence = False", "accept_licence = True")
    notebook = run(
        "protein-folding/3_antibodies.ipynb", variables=QUIET, changed={"parameters": accepted}, seconds=900
    )
    given = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(accepted).body}
    assert "JHU Academic Software License Agreement" in text_of(notebook, "licence")
    measured = text_of(notebook, "check").strip().splitlines()
    chains = {line.rsplit(" {", 1)[0]: ast.literal_eval("{" + line.rsplit(" {", 1)[1]) for line in measured}
    assert set(chains) == {"nanobody H", "fv H", "fv L"}
    for name, key in (("nanobody H", "nanobody"), ("fv H", "heavy"), ("fv L", "light")):
        found = chains[name]
        assert found["residues"] == len(given[key])
        assert found["N–CA"] == pytest.approx(1.46, abs=0.05)
        assert found["CA–C"] == pytest.approx(1.52, abs=0.05)
        assert found["C–N"] == pytest.approx(1.33, abs=0.08)
        assert found["CA–CA"] == pytest.approx(3.8, abs=0.1)
        assert found["largest CA step"] < 4.6
        assert found["closest CA"] > 3.0
    error = float(re.search(r"expected error (\S+) Å", text_of(notebook, "nanobody"))[1])
    assert 0.1 < error < 2
    assert pictures_in(notebook) == 3
