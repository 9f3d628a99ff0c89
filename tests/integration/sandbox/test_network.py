"""The policies `open` and `none`, and the ports that lead in and out."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from tests.integration.sandbox.conftest import Boxes

from perijove.core.errors import BadRequestError, ConfinementError, ForbiddenError
from perijove.core.resources import Resources

pytestmark = pytest.mark.root

PORTS = iter(range(21100, 21400))

_ECHO = """
import socket, threading
server = socket.create_server(('127.0.0.1', 8888))
print('up')
def serve(peer):
    while data := peer.recv(65536): peer.sendall(data)
    peer.sendall(b' end'); peer.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""


def hosts_address() -> str | None:
    """An address of this machine that is not the loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(("192.0.2.1", 9))
        found: str = probe.getsockname()[0]
        return None if found.startswith("127.") else found
    return None


@contextlib.contextmanager
def served(address: str, port: int) -> Iterator[list[bytes]]:
    """A server on the host that keeps what it is sent, and says hello."""
    got: list[bytes] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = server.accept()
                with peer:
                    peer.sendall(b"hello")
                    got.append(peer.recv(100))

    with socket.create_server((address, port)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield got
        server.shutdown(socket.SHUT_RDWR)


def connect(address: str, port: int) -> str:
    return (
        "import socket\n"
        f"try: print(socket.create_connection(({address!r}, {port}), 3).recv(5).decode())\n"
        "except OSError as error: print(error.strerror or error)\n"
    )


def test_without_a_network_there_is_a_loopback_only(boxes: Boxes) -> None:
    assert boxes.shell("ls /proc/sys/net/ipv4/conf; cat /proc/net/route").output.split()[:3] == [
        "all",
        "default",
        "lo",
    ]
    assert boxes.python(connect("1.1.1.1", 443)).output == "Network is unreachable\n"


def test_open_downloads_from_the_world(boxes: Boxes) -> None:
    """With what this machine's environment says about indexes and certificates."""
    env = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))
    }
    command = "/usr/bin/python3 -m pip download -q --no-deps -d /tmp/x six && ls /tmp/x"
    found = boxes.shell(command, network="open", env=env, resources=Resources(memory=2**29))
    assert "six-" in found.output, found.output


def test_open_leads_to_no_address_of_the_host(boxes: Boxes) -> None:
    """Neither to a service on all interfaces nor, by any of slirp's own addresses, to the loopback."""
    address = hosts_address()
    if address is None:
        pytest.skip("needs an address besides the loopback's")
    with served("0.0.0.0", 21020):
        assert connect_from_host(address, 21020) == b"hello"
        for target in (address, "100.127.255.2", "100.127.255.3", "127.0.0.1"):
            told = boxes.python(connect(target, 21020), network="open").output
            assert "hello" not in told, target
        assert boxes.python(connect(address, 21020), network="open").output == "Permission denied\n"


def connect_from_host(address: str, port: int) -> bytes:
    with socket.create_connection((address, port), 3) as peer:
        return peer.recv(5)


def test_open_does_not_lead_to_the_clouds_credentials(boxes: Boxes) -> None:
    told = boxes.python(connect("169.254.169.254", 80), network="open").output
    assert told == "Permission denied\n"


def test_an_address_that_the_host_gets_later_is_closed_too(boxes: Boxes) -> None:
    box = boxes.start("/bin/sleep", "60", network="open")
    ip = ["ip", "address"]
    subprocess.run([*ip, "add", "198.51.100.77/32", "dev", "lo"], check=True)
    try:
        deadline = time.monotonic() + 10
        while "prohibit 198.51.100.77" not in _routes(boxes, box.id):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        subprocess.run([*ip, "del", "198.51.100.77/32", "dev", "lo"], check=True)


def _routes(boxes: Boxes, sandbox_id: str) -> str:
    command = ["nsenter", "-t", str(_inside(boxes, sandbox_id)), "-n", "ip", "route"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _inside(boxes: Boxes, sandbox_id: str) -> int:
    from perijove.sandbox.keepers import cgroup_of
    from perijove.sandbox.record import Record

    cgroup = cgroup_of(Record(boxes.layout.sandboxes / sandbox_id))
    assert cgroup is not None
    return cgroup.pids()[0]


def test_the_session_has_no_power_over_its_network(boxes: Boxes) -> None:
    script = "ip route del prohibit 169.254.0.0/16; ip link set lo down; ip route"
    told = boxes.shell(script, network="open").output
    assert told.count("Operation not permitted") == 2
    assert "prohibit 169.254.0.0/16" in told


def test_slirp_runs_as_the_session_and_ends_with_it(boxes: Boxes) -> None:
    box = boxes.start("/bin/sleep", "60", network="open", user="carol")
    uid = boxes.launcher.account("carol").uid
    assert len(_slirps(uid)) == 1
    boxes.launcher.stop(box.id, grace=0)
    assert _slirps(uid) == []


def test_a_lost_slirp_is_started_again(boxes: Boxes) -> None:
    box = boxes.start("/bin/sleep", "60", network="open", user="dave")
    uid = boxes.launcher.account("dave").uid
    (first,) = _slirps(uid)
    os.kill(first, 9)
    deadline = time.monotonic() + 10
    while _slirps(uid) in ([], [first]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert boxes.launcher.status(box.id).state == "running"


def _slirps(uid: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-u", str(uid), "slirp4netns"], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in found.stdout.split()]


@pytest.mark.parametrize("network", ["none", "open"])
def test_a_port_leads_in(boxes: Boxes, network: str) -> None:
    port = next(PORTS)
    box = boxes.start("/usr/bin/python3", "-u", "-c", _ECHO, network=network, inbound=[_in(port)])
    boxes.wait_for(box.id, "up")
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.sendall(b"hello")
        assert peer.recv(100) == b"hello"
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(100) == b" end"
        assert peer.recv(100) == b""


def test_a_port_inside_that_nobody_serves_yet_is_a_reset_and_no_wait(boxes: Boxes) -> None:
    port = next(PORTS)
    boxes.start("/bin/sleep", "60", inbound=[_in(port)])
    with pytest.raises(ConnectionResetError), socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.recv(1)


@pytest.mark.parametrize("network", ["none", "open"])
def test_a_port_leads_out_to_one_address(boxes: Boxes, network: str) -> None:
    out = {"port": 45300, "host": "127.0.0.1", "host_port": 21021}
    with served("127.0.0.1", 21021) as got, served("127.0.0.1", 21022):
        code = connect("127.0.0.1", 45300) + connect("127.0.0.1", 21022)
        assert boxes.python(code, network=network, outbound=[out]).output == "hello\nConnection refused\n"
    assert got == [b""]


def test_connections_rest_as_long_as_they_like_and_many_at_once(boxes: Boxes) -> None:
    port = next(PORTS)
    box = boxes.start("/usr/bin/python3", "-u", "-c", _ECHO, inbound=[_in(port)], processes=600)
    boxes.wait_for(box.id, "up")
    peers = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(200)]
    time.sleep(2)
    for number, peer in enumerate(peers):
        peer.sendall(b"%d" % number)
    for number, peer in enumerate(peers):
        assert peer.recv(100) == b"%d" % number
        peer.close()


def test_everything_arrives_also_at_a_slow_reader(boxes: Boxes) -> None:
    port = next(PORTS)
    code = (
        "import socket, hashlib, time\n"
        "server = socket.create_server(('127.0.0.1', 8888)); print('up')\n"
        "peer, _ = server.accept(); seen = hashlib.sha256(); n = 0\n"
        "while data := peer.recv(2**20):\n"
        "    seen.update(data); n += 1\n"
        "    if n % 50 == 0: time.sleep(0.01)\n"
        "peer.sendall(seen.hexdigest().encode()); peer.close()\n"
    )
    box = boxes.start("/usr/bin/python3", "-u", "-c", code, inbound=[_in(port)])
    boxes.wait_for(box.id, "up")
    content = os.urandom(2**25)
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        peer.settimeout(60)
        peer.sendall(content)
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(100).decode() == hashlib.sha256(content).hexdigest()


def test_a_reset_is_passed_on(boxes: Boxes) -> None:
    """A truncated answer must not look like a whole one."""
    port = next(PORTS)
    code = (
        "import socket, struct, time\n"
        "server = socket.create_server(('127.0.0.1', 8888)); print('up')\n"
        "peer, _ = server.accept(); peer.sendall(b'part'); time.sleep(0.3)\n"
        "peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); peer.close()\n"
        "time.sleep(30)\n"
    )
    box = boxes.start("/usr/bin/python3", "-u", "-c", code, inbound=[_in(port)])
    boxes.wait_for(box.id, "up")
    with socket.create_connection(("127.0.0.1", port), 5) as peer:
        assert peer.recv(100) == b"part"
        with pytest.raises(ConnectionResetError):
            peer.recv(100)


def test_a_taken_port_starts_nothing_and_may_be_tried_again(boxes: Boxes) -> None:
    port = next(PORTS)
    refused = pytest.raises(ConfinementError, match=f"port {port} cannot be had")
    with socket.create_server(("127.0.0.1", port)), refused as caught:
        boxes.start("/bin/true", inbound=[_in(port)])
    assert caught.value.retry
    assert boxes.launcher.list() == []


def test_the_port_is_free_again_at_the_end(boxes: Boxes) -> None:
    port = next(PORTS)
    for _ in range(2):
        assert boxes.run("/bin/true", inbound=[_in(port)]).status.exit_code == 0


def test_only_loopbacks_can_be_asked_for(boxes: Boxes) -> None:
    with pytest.raises(ForbiddenError, match="loopback"):
        boxes.start("/bin/true", outbound=[{"port": 1, "host": "192.0.2.77", "host_port": 80}])
    with pytest.raises(ForbiddenError, match="below 1024"):
        boxes.start("/bin/true", inbound=[_in(80)])
    with pytest.raises(BadRequestError, match="between"):
        boxes.start("/bin/true", inbound=[_in(70000)])


def _in(port: int) -> dict[str, int]:
    return {"host_port": port, "port": 8888}
