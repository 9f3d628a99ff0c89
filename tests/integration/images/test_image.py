"""The CPU image for real: it starts confined in every way, lets nobody in without its token, and computes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import requests

from perijove.core.layout import Layout
from perijove.environments.install import Installer
from perijove.hub.testing import Visitor
from perijove.images.build import Wanted, extend_image
from perijove.images.engine import find_engine
from perijove.images.survey import list_images
from perijove.sandbox.podman import process_limits
from perijove.testing.containers import Container, Containers, podman

UID = 34_567

READ_ONLY = ("--read-only", "--read-only-tmpfs=false", "--tmpfs", "/tmp:rw,mode=1777")
WAYS = {
    "the owner of its folder": (),
    "an ordinary uid": ("--user", f"{UID}:{UID}"),
    "a read-only root": READ_ONLY,
    "no capability": ("--user", f"{UID}:{UID}", "--cap-drop", "ALL"),
    "all of them": ("--user", f"{UID}:{UID}", *READ_ONLY, "--cap-drop", "ALL"),
}


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.replace(" ", "-"))
def lab(request: pytest.FixtureRequest, containers: Containers) -> Container:
    found = containers.run(*WAYS[request.param])
    print(f"usable after {found.wait_until_it_answers():.1f} s")
    return found


@pytest.fixture(scope="module")
def visitor(lab: Container) -> Visitor:
    found = Visitor(lab.url)
    found.get(f"/lab?token={lab.token}").raise_for_status()
    return found


@pytest.fixture(scope="module")
def kernel(visitor: Visitor) -> str:
    return visitor.new_kernel("")


def test_nobody_comes_in_without_the_token(lab: Container) -> None:
    for url in (
        f"{lab.url}/api/contents",
        f"{lab.url}/api/contents?token=",
        f"{lab.url}/api/contents?token=x",
    ):
        assert requests.get(url, timeout=30).status_code in (401, 403)
    assert requests.post(f"{lab.url}/api/kernels", timeout=30).status_code in (401, 403)
    right = {"Authorization": f"token {lab.token}"}
    assert requests.get(f"{lab.url}/api/contents", headers=right, timeout=30).status_code == 200


def test_the_token_is_in_no_command_line(lab: Container) -> None:
    assert lab.token not in podman("top", lab.name, "args").stdout


def test_it_runs_as_the_folders_owner_without_privileges(
    lab: Container, visitor: Visitor, kernel: str
) -> None:
    code = (
        "import json, os\n"
        "lines = [line.split(':\\t') for line in open('/proc/self/status').read().splitlines()]\n"
        "status = {line[0]: line[-1] for line in lines}\n"
        "kept = [status[name] for name in ('CapEff', 'CapBnd', 'NoNewPrivs')]\n"
        "_ = open('made.txt', 'w').write('x')\n"
        "print(json.dumps([os.getuid(), *kept, os.getcwd()]))"
    )
    uid, effective, bounding, no_new, where = json.loads(visitor.execute("", kernel, code))
    assert (uid, int(effective, 16), no_new) == (UID, 0, "1")
    assert (
        int(bounding, 16) == 0 or podman("inspect", lab.name, "--format", "{{.Config.User}}").stdout.strip()
    )
    assert where.startswith("/import")
    made = next(lab.folder.rglob("made.txt")).stat()
    assert (made.st_uid, made.st_gid) == (UID, UID)


def test_keras_runs_in_a_cell(visitor: Visitor, kernel: str) -> None:
    code = (
        "import keras, numpy as np\nprint(keras.Sequential([keras.layers.Dense(2)])(np.ones((1, 3))).shape)"
    )
    assert "(1, 2)" in visitor.execute("", kernel, code)


def test_it_says_once_which_device_is_used(lab: Container) -> None:
    lines = [line for line in lab.log().splitlines() if " the CPU" in line]
    assert lines == ["perijove: TensorFlow, JAX and PyTorch use the CPU."]


@pytest.mark.parametrize(
    ("options", "command", "said"),
    [
        (("--env", "JUPYTER_TOKEN="), (), "JUPYTER_TOKEN is empty"),
        (("--env", "PERIJOVE_TOKEN=short"), (), "shorter than 16"),
        ((), ("perijove-start", "--ServerApp.token="), "would change who may open"),
        ((), ("perijove-start", "--IdentityProvider.token", ""), "would change who may open"),
        (("--cap-drop", "ALL"), (), f"--user {UID}:{UID}"),
    ],
)
def test_what_would_open_the_lab_or_cannot_work_is_refused(
    containers: Containers, options: tuple[str, ...], command: tuple[str, ...], said: str
) -> None:
    refused = containers.run(*options, command=command)
    assert podman("wait", refused.name).stdout.strip() == "2"
    assert said in refused.log()
    assert "Traceback" not in refused.log()


def test_a_token_of_ones_own_is_taken_and_not_shown(containers: Containers) -> None:
    token = "0123456789abcdef-own"
    lab = containers.run("--env", f"JUPYTER_TOKEN={token}")
    lab.wait_until_it_answers()
    right = {"Authorization": f"token {token}"}
    assert requests.get(f"{lab.url}/api/contents", headers=right, timeout=30).ok
    assert token not in lab.log()


def test_galaxy_runs_its_command_as_any_uid_in_the_jobs_folder(containers: Containers) -> None:
    """As Galaxy does: the tool's command, a uid without a name, the job directory, its three variables."""
    given = {"GALAXY_URL": "http://galaxy.example", "API_KEY": "key", "HISTORY_ID": "f2db41e1fa331b3e"}
    options = [f"--env={name}={value}" for name, value in given.items()]
    start = "HOME=/import/home exec perijove-start --folder /import --base-url /ep/7"
    script = f"cd /import && mkdir -p home && {start}"
    lab = containers.run("--user", f"{UID}:{UID}", *options, command=("/bin/sh", "-c", script))
    lab.wait_until_it_answers("/ep/7")
    visitor = Visitor(lab.url)
    visitor.get(f"/ep/7/lab?token={lab.token}").raise_for_status()
    kernel = visitor.new_kernel("/ep/7")
    told = visitor.execute("/ep/7", kernel, "import json, os; print(json.dumps(dict(os.environ)))")
    environ = json.loads(told)
    assert {name: environ[name] for name in given} == given
    assert environ["HOME"] == "/import/home"


def test_galaxys_job_runs_in_the_image(containers: Containers) -> None:
    """The job tool's own command, as any uid, in a job directory, read-only and without capabilities."""
    notebook = {
        "cells": [
            {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None,
             "source": "import keras, sklearn, onnxruntime, torch, jax\nprint('all here')"}
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }  # fmt: skip
    code = {"source_path": "/import/code.ipynb", "element_identifier": "code.ipynb", "ext": "ipynb"}
    files = {"code.ipynb": notebook, "parameters.json": {"select_file": code}}
    writing = "".join(f"cat > {name} <<'END'\n{json.dumps(text)}\nEND\n" for name, text in files.items())
    job = 'exec "${PERIJOVE_PYTHON:-python3}" -P -m perijove_lab.galaxy job parameters.json'
    options = ("--user", f"{UID}:{UID}", *READ_ONLY, "--cap-drop", "ALL", "--workdir", "/import")
    done = containers.run(*options, command=("sh", "-c", writing + job))
    assert podman("wait", done.name).stdout.strip() == "0", done.log()
    executed = [path for path in (done.folder / "out").rglob("*.ipynb") if "all here" in path.read_text()]
    assert executed, done.log()


def test_no_layer_holds_certificates_or_indexes_of_the_building_machine(image: str) -> None:
    told = podman("history", "--no-trunc", "--format", "{{.CreatedBy}}", image).stdout
    environ = podman("image", "inspect", image, "--format", "{{json .Config.Env}}").stdout
    for word in ("ca-certificates.crt", "PIP_", "UV_", "SSL_CERT", os.uname().nodename):
        assert word not in environ
    assert "index-url" not in told


def test_packages_can_be_added(request: pytest.FixtureRequest, image: str, tmp_path: Path) -> None:
    engine, name = find_engine("podman"), "perijove-lab:test-extended"
    request.addfinalizer(lambda: podman("rmi", "--force", name, check=False))
    extend_image(engine, installer(tmp_path), Wanted(name=name, base=image), ["pyfiglet==1.0.4"])
    found = {one.name: one for one in list_images(engine)}
    assert found[name].packages == ("pyfiglet==1.0.4",)
    code = "import pyfiglet, keras; print('added')"
    told = podman(
        "run", "--rm", *process_limits(), name, "/opt/perijove/envs/ai/bin/python", "-W", "ignore", "-c", code
    )
    assert "added" in told.stdout


def installer(home: Path) -> Installer:
    return Installer(
        layout=Layout(home), python=Path(sys.executable), variant="cpu", for_everybody=True, report=print
    )
