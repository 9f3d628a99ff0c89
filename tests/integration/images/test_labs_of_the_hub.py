"""Labs of a hub in containers: the walls of the sandbox, and none of a bridge's leaks."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perijove.hub.testing import FrontDoor, Visitor, front_door, make_home, settings_of, wait_until
from perijove.sandbox import connect_launcher
from perijove.sandbox.network import NAMESERVER
from perijove.supervisor.home import platform_account, prepare_home
from perijove.testing.containers import free_port, podman

PASSWORD = "correct horse battery"
TOML = """
[machine]
cpus = 2
memory = "6G"

[sandbox]
network = "{network}"

[hub]
lab_image = "{image}"

[[flavors]]
name = "small"
title = "Small"
cpus = 1
memory = "1G"
"""


def environments() -> Path:
    folder = Path(os.environ.get("PERIJOVE_TEST_HOME", "/nonexistent")) / "envs"
    if not all((folder / name).exists() for name in ("lab", "proxy")):
        pytest.skip(
            "needs PERIJOVE_TEST_HOME, a home with installed environments: `make test-services` makes it"
        )
    return folder


@pytest.fixture(scope="module", params=["none", "open"])
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def door(image: str, network: str) -> Iterator[FrontDoor]:
    with tempfile.TemporaryDirectory(prefix="perijove-hub-", dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        home = Path(folder) / "home"
        make_home(home, environments(), TOML.format(network=network, image=image))
        settings = settings_of(home, port=free_port())
        owner = platform_account()
        prepare_home(settings.layout, owner)
        with front_door(settings, (owner.uid, owner.gid)) as opened:
            yield opened


@pytest.fixture(scope="module")
def ada(door: FrontDoor) -> Visitor:
    visitor = Visitor(door.url)
    visitor.use_link(door.client.sign_in_link(admin=True), "ada", PASSWORD).raise_for_status()
    return visitor


@pytest.fixture(scope="module")
def lab(ada: Visitor) -> str:
    began = time.monotonic()
    ada.start_lab("small").raise_for_status()
    base = ada.wait_for_lab()
    print(f"lab of the hub usable after {time.monotonic() - began:.1f} s")
    return base


@pytest.fixture(scope="module")
def kernel(ada: Visitor, lab: str) -> str:
    return ada.new_kernel(lab)


def sandbox_id(door: FrontDoor) -> str:
    return str(door.client.user("ada")["servers"][""]["state"]["sandbox_id"])


def test_a_cell_imports_keras(ada: Visitor, lab: str, kernel: str) -> None:
    assert "keras" in ada.execute(lab, kernel, "import keras; print(keras.__name__)")


def test_the_lab_is_confined(ada: Visitor, lab: str, kernel: str, door: FrontDoor, network: str) -> None:
    code = (
        "import json, os\n"
        "lines = [line.split(':\\t') for line in open('/proc/self/status').read().splitlines()]\n"
        "status = {line[0]: line[-1] for line in lines}\n"
        "def closed(path):\n"
        "    try:\n"
        "        open(path, 'w')\n"
        "    except OSError:\n"
        "        return True\n"
        "    return False\n"
        "walls = [closed(path) for path in ('/etc/x', '/opt/perijove/x', '/usr/x', '/dev/sda')]\n"
        "print(json.dumps([os.getuid(), status['CapEff'], status['CapBnd'], status['NoNewPrivs'],\n"
        "    status['Seccomp'], walls, os.path.expanduser('~'), sorted(os.listdir('/sys/class/net'))]))"
    )
    uid, effective, bounding, no_new, seccomp, walls, home, interfaces = json.loads(
        ada.execute(lab, kernel, code)
    )
    assert uid >= door.settings.sandbox.uid_base
    assert (int(effective, 16), int(bounding, 16), no_new, seccomp) == (0, 0, "1", "2")
    assert walls == [True] * 4
    assert home == "/home/jovyan"
    assert interfaces == {"none": ["lo"], "open": ["lo", "tap0"]}[network]


def test_the_flavor_limits_it(ada: Visitor, lab: str, door: FrontDoor) -> None:
    used = connect_launcher(door.settings).usage(sandbox_id(door))
    assert used is not None
    assert used.processes > 1
    assert used.memory > 2**25
    other = ada.new_kernel(lab)
    with pytest.raises(TimeoutError):
        ada.execute(lab, other, "held = bytearray(3 * 2**30)", timeout=20)
    status = connect_launcher(door.settings).status(sandbox_id(door))
    assert (status.state, status.out_of_memory) == ("running", True)


def reach(ada: Visitor, lab: str, kernel: str, host: str, port: int) -> bool:
    code = (
        "import socket\n"
        "try:\n"
        f"    socket.create_connection(({host!r}, {port}), timeout=5).close()\n"
        "    print('reached')\n"
        "except OSError as error:\n"
        "    print('closed', error)"
    )
    return ada.execute(lab, kernel, code).startswith("reached")


def host_addresses() -> list[str]:
    command = ["ip", "-4", "-o", "addr", "show"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return sorted({line.split()[3].partition("/")[0] for line in told})


def test_no_service_of_the_host_is_reached(ada: Visitor, lab: str, kernel: str) -> None:
    """A bridge's gateway would lead to everything that listens on 0.0.0.0: not here."""
    with socket.create_server(("0.0.0.0", 0)) as service:
        port = service.getsockname()[1]
        assert any(address != "127.0.0.1" for address in host_addresses())
        for address in (*host_addresses(), "100.127.255.2", "10.0.2.2", "10.88.0.1"):
            assert not reach(ada, lab, kernel, address, port), address
    assert reach(ada, lab, kernel, "127.0.0.1", 45300)


def test_names_are_asked_for_where_the_policy_says(ada: Visitor, lab: str, kernel: str, network: str) -> None:
    """`none`: nobody is asked, and no address outside is reached; an internal bridge would resolve them."""
    servers = ada.execute(lab, kernel, "print([line.split()[1] for line in open('/etc/resolv.conf')])")
    assert servers == f"['{NAMESERVER if network == 'open' else '127.0.0.1'}']\n"
    if network == "none":
        code = (
            "import socket\n"
            "try:\n"
            "    print('resolved', socket.gethostbyname('example.org'))\n"
            "except OSError:\n"
            "    print('closed')"
        )
        assert ada.execute(lab, kernel, code) == "closed\n"
        assert not reach(ada, lab, kernel, "1.1.1.1", 53)


def test_its_token_is_in_no_command_line(ada: Visitor, lab: str, kernel: str) -> None:
    token = ada.execute(lab, kernel, "import os; print(os.environ['API_KEY'], end='')")
    assert len(token) > 16
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert token.encode() not in cmdline.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_it_lives_on_while_the_hub_restarts(ada: Visitor, lab: str, kernel: str, door: FrontDoor) -> None:
    ada.execute(lab, kernel, "kept = 41")
    door.stop_hub()
    door.start_hub()
    assert ada.execute(lab, kernel, "print(kept + 1)") == "42\n"


def test_its_end_leaves_nothing(ada: Visitor, lab: str, door: FrontDoor) -> None:
    held = sandbox_id(door)
    assert f"perijove-{held}" in podman("ps", "--format", "{{.Names}}").stdout
    door.client.stop_lab("ada")
    wait_until(lambda: not door.client.user("ada")["servers"], what="the lab's end")
    wait_until(
        lambda: held not in podman("ps", "--all", "--format", "{{.Names}}").stdout, what="the container's end"
    )
    assert connect_launcher(door.settings).free().cpus == 2
    assert not list(Path("/sys/fs/cgroup").glob(f"*/perijove/*/{held}"))
