"""The description of a lab: secrets in the environment only, nothing shared but what is listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perijove.core.flavors import Flavor
from perijove.core.settings import Settings
from perijove.hub.lab import FRONT_DOOR_PORT, INSIDE_HOME, Lab, lab_prefix, lab_spec, last_lines, publish
from perijove.sandbox.spec import Account, SandboxSpec

TOKEN = "f" * 32
HUB_ENVIRONMENT = {"JUPYTERHUB_API_TOKEN": TOKEN, "JUPYTERHUB_USER": "ada", "JUPYTERHUB_BASE_URL": "/"}


def lab(settings: Settings, *, confined: bool = True) -> Lab:
    account = Account(name="ada", uid=200_001, gid=200_001, home=settings.layout.homes / "ada")
    flavor = Flavor(name="small", cpus=1.5, memory="4G", gpus=1)
    prefix = lab_prefix("ada", "")
    return Lab(
        id=f"{prefix}0a1b", owner="ada", account=account, flavor=flavor, host_port=25_900, confined=confined
    )


@pytest.fixture
def spec(settings: Settings) -> SandboxSpec:
    return lab_spec(settings, lab(settings), HUB_ENVIRONMENT)


def test_secrets_are_in_the_environment_only(spec: SandboxSpec) -> None:
    assert spec.env["API_KEY"] == spec.env["JUPYTERHUB_API_TOKEN"] == TOKEN
    assert TOKEN not in " ".join(spec.argv)
    assert TOKEN not in spec.id


def test_it_gets_what_its_flavor_grants_and_no_time_limit(spec: SandboxSpec) -> None:
    assert (spec.resources.cpus, spec.resources.memory, spec.resources.gpus) == (1.5, 2**32, 1)
    assert spec.time_limit is None
    assert spec.env["CPU_LIMIT"] == "1.5"
    assert spec.env["MEM_LIMIT"] == str(2**32)
    assert spec.env["OMP_NUM_THREADS"] == "2"


def test_galaxy_is_found_as_in_an_interactive_tool(spec: SandboxSpec) -> None:
    assert spec.env["GALAXY_URL"] == f"http://127.0.0.1:{FRONT_DOOR_PORT}/services/galaxy"
    assert spec.env["HISTORY_ID"] == ""


def test_only_the_home_is_writable(spec: SandboxSpec, settings: Settings) -> None:
    writable = [mount for mount in spec.mounts if mount.writable]
    assert [(mount.source, mount.target) for mount in writable] == [
        (settings.layout.homes / "ada", INSIDE_HOME)
    ]
    sources = {mount.source for mount in spec.mounts}
    assert not {settings.layout.state, settings.layout.root, settings.layout.homes} & sources


def test_one_port_in_and_the_front_door_out(spec: SandboxSpec, settings: Settings) -> None:
    assert [(port.host_port, port.port) for port in spec.inbound] == [(25_900, 8888)]
    assert [(port.port, port.host, port.host_port) for port in spec.outbound] == [
        (FRONT_DOOR_PORT, "127.0.0.1", settings.port)
    ]


def test_without_confinement_paths_and_ports_are_the_real_ones(settings: Settings) -> None:
    spec = lab_spec(settings, lab(settings, confined=False), HUB_ENVIRONMENT)
    assert spec.cwd == settings.layout.homes / "ada"
    assert spec.env["HOME"] == str(spec.cwd)
    assert [(port.host_port, port.port) for port in spec.inbound] == [(25_900, 25_900)]


def test_what_labs_read_of_ours_lies_among_the_environments(settings: Settings) -> None:
    (settings.layout.root / "notebooks/sub").mkdir(parents=True)
    (settings.layout.root / "notebooks/sub/a.ipynb").write_text("{}")
    publish(settings.layout)
    (settings.layout.root / "notebooks/sub/a.ipynb").rename(settings.layout.root / "notebooks/b.ipynb")
    publish(settings.layout)
    env = lab_spec(settings, lab(settings), HUB_ENVIRONMENT).env
    notebooks, config = Path(env["PERIJOVE_NOTEBOOKS"]), Path(env["JUPYTER_CONFIG_PATH"])
    assert [path.name for path in notebooks.iterdir() if path.is_file()] == ["b.ipynb"]
    assert (config / "jupyter_server_config.py").stat().st_mode & 0o777 == 0o644
    assert config.stat().st_mode & 0o777 == notebooks.stat().st_mode & 0o777 == 0o755
    assert notebooks.is_relative_to(settings.layout.environments)
    assert config.is_relative_to(settings.layout.environments)
    assert json.loads((config / "labconfig/page_config.json").read_text())


def test_kernels_of_every_environment_are_found(settings: Settings) -> None:
    for name in ("ai", "lab", "platform", "tools"):
        (settings.layout.environments / name / "share/jupyter/kernels").mkdir(parents=True)
    paths = lab_spec(settings, lab(settings), HUB_ENVIRONMENT).env["JUPYTER_PATH"].split(":")
    assert paths == [str(settings.layout.environments / "ai/share/jupyter")]


def test_ids_tell_nothing_and_never_collide() -> None:
    pairs = [("ada", ""), ("ada", "x"), ("ada/x", ""), ("Ünal@example.org", ""), ("a" * 255, "")]
    prefixes = {lab_prefix(*pair) for pair in pairs}
    assert len(prefixes) == len(pairs)
    assert not [prefix for prefix in prefixes if "ada" in prefix or not prefix.isascii()]


def test_the_shown_log_is_short_and_without_secrets() -> None:
    text = "\n".join(
        [f"[I 12:00 App] line {n}" for n in range(50)] + ["Traceback", f"token={TOKEN}", "x" * 900]
    )
    shown = last_lines(text, (TOKEN, ""))
    assert TOKEN not in shown
    assert shown.splitlines()[0] == "Traceback"
    assert len(shown) < 500
    assert last_lines("[I only information]", (TOKEN,)) == "[I only information]"
    assert last_lines("", (TOKEN,)) == ""
