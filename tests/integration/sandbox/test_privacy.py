"""One user's sandbox against another's, and against the host."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.integration.sandbox.conftest import Boxes

from perijove.core.errors import ForbiddenError
from perijove.sandbox.spec import Mount

pytestmark = pytest.mark.root


def test_a_home_is_its_owners_alone(boxes: Boxes) -> None:
    boxes.shell("echo mine > secret; ls -ld . secret")
    alice = boxes.launcher.account("alice").home

    assert alice.stat().st_mode & 0o777 == 0o700
    assert (alice / "secret").read_text() == "mine\n"
    seen = boxes.shell("ls /home; find / -name secret 2>/dev/null; echo done", user="bob").output
    assert seen == "me\ndone\n"


def test_the_hosts_files_are_not_there(boxes: Boxes) -> None:
    script = (
        f"for p in {boxes.layout.root} /root /home/other /var/lib /etc/shadow /etc/ssl/private /boot "
        "/sys/fs /sys/kernel /mnt/m0 /proc/1/root/root; do test -e $p && echo $p; done; "
        "cut -d: -f1 /etc/passwd | tr '\\n' ' '"
    )
    assert boxes.shell(script).output == "root alice nobody "


def test_nothing_but_home_and_temporary_directories_can_be_written(boxes: Boxes) -> None:
    script = (
        "for d in / /usr /etc /dev /run /var /home /sys; do touch $d/x 2>/dev/null && echo $d; done; true"
    )
    assert boxes.shell(script).output == ""
    assert boxes.shell("touch ~/x /tmp/x /dev/shm/x /var/tmp/y && echo ok").output == "ok\n"


def test_another_users_home_cannot_even_be_asked_for(boxes: Boxes) -> None:
    theirs = Mount(source=boxes.launcher.account("bob").home, target=Path("/theirs"))
    with pytest.raises(ForbiddenError, match="may not be seen"):
        boxes.start("/bin/true", more_mounts=[theirs])


def test_a_link_in_a_home_leads_nowhere(boxes: Boxes) -> None:
    """A mount below one's own home is allowed; a link there must not turn it into somebody else's."""
    boxes.shell("echo bobs > secret", user="bob")
    bob, alice = (boxes.launcher.account(name).home for name in ("bob", "alice"))
    (alice / "way").symlink_to(bob)
    mount = Mount(source=alice / "way", target=Path("/way"))
    with pytest.raises(Exception, match="not started"):
        boxes.start("/bin/true", more_mounts=[mount])
    with pytest.raises(Exception, match="not started"):
        boxes.start("/bin/true", more_mounts=[Mount(source=alice / "way" / "secret", target=Path("/way"))])


def test_processes_of_others_are_neither_seen_nor_signalled(boxes: Boxes) -> None:
    other = boxes.start("/bin/sleep", "60", user="bob", env={"TOKEN": "bobs"})
    seen = boxes.shell("ls /proc | grep -c '^[0-9]'; cat /proc/*/environ 2>/dev/null | grep -c bobs").output
    assert seen.split()[-1] == "0"
    assert int(seen.split()[0]) < 10
    pids = subprocess.run(["pgrep", "-x", "sleep"], capture_output=True, text=True, check=True).stdout.split()
    code = (
        "import os\n"
        f"for pid in {pids} + [str({os.getpid()})]:\n"
        "    try: os.kill(int(pid), 9); print('killed', pid)\n"
        "    except (ProcessLookupError, PermissionError): pass\n"
        "print('done')\n"
    )
    assert boxes.python(code).output == "done\n"
    assert boxes.launcher.status(other.id).state == "running"


def test_the_environment_stands_in_no_list_of_processes(boxes: Boxes) -> None:
    """Argument lists are for everybody on the host; /proc/PID/environ is for the owner and root alone."""
    boxes.start("/bin/sleep", "60", env={"TOKEN": "very-secret-word"})
    lists = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert "very-secret-word" not in lists
    look = ["setpriv", "--reuid=64123", "--regid=64123", "--clear-groups", "sh", "-c"]
    found = subprocess.run(
        [*look, "grep -l very-secret-word /proc/*/environ 2>/dev/null | grep -v self"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout == ""


def test_the_record_keeps_no_environment_after_the_end(boxes: Boxes) -> None:
    box = boxes.run("/bin/true", env={"TOKEN": "very-secret-word"})
    files = (boxes.layout.sandboxes / box.status.id).iterdir()
    assert not [file for file in files if b"very-secret-word" in file.read_bytes()]
    assert boxes.layout.sandboxes.stat().st_mode & 0o777 == 0o700


def test_shared_memory_and_message_queues_are_private(boxes: Boxes) -> None:
    boxes.start("/bin/bash", "-c", "ipcmk -M 4096 >/dev/null; echo x > /dev/shm/bobs; sleep 60", user="bob")
    assert boxes.shell("ls /dev/shm; ipcs -m | grep -c 0x").output.strip() == "0"


def test_abstract_sockets_of_host_and_others_are_not_there(boxes: Boxes) -> None:
    listen = (
        "import socket,time\ns = socket.socket(socket.AF_UNIX)\n"
        "s.bind('\\0perijove-test')\ns.listen()\nprint('up')\ntime.sleep(60)"
    )
    connect = (
        "import socket\n"
        "for name in ('\\0perijove-test', '\\0perijove-host'):\n"
        "    s = socket.socket(socket.AF_UNIX)\n"
        "    try: s.connect(name); print('connected')\n"
        "    except ConnectionRefusedError: print('refused')\n"
    )
    with socket.socket(socket.AF_UNIX) as host:
        host.bind("\0perijove-host")
        host.listen()
        other = boxes.start("/usr/bin/python3", "-u", "-c", listen, user="bob")
        boxes.wait_for(other.id, "up")
        assert boxes.python(connect).output == "refused\nrefused\n"


def test_ports_of_others_and_of_the_hosts_loopback_are_not_there(boxes: Boxes) -> None:
    serve = (
        "import socket, time\ns = socket.socket()\ns.bind(('0.0.0.0', 21010))\n"
        "s.listen()\nprint('up')\ntime.sleep(60)"
    )
    other = boxes.start("/usr/bin/python3", "-u", "-c", serve, user="bob", network="open")
    boxes.wait_for(other.id, "up")
    connect = (
        "import socket\n"
        "for address in ('127.0.0.1', '100.127.255.2', '100.127.255.3', '100.127.255.100'):\n"
        "    for port in (21010, 21011):\n"
        "        s = socket.socket(); s.settimeout(2)\n"
        "        try: s.connect((address, port)); print('connected', address, port)\n"
        "        except OSError: pass\n"
        "print('done')\n"
    )
    with socket.create_server(("127.0.0.1", 21011)):
        assert boxes.python(connect, network="open").output == "done\n"
        assert boxes.python(connect, network="none").output == "done\n"


def test_files_of_a_socket_outside_cannot_be_reached(boxes: Boxes) -> None:
    listening = boxes.layout.root / "x.sock"
    with socket.socket(socket.AF_UNIX) as host:
        host.bind(str(listening))
        host.listen()
        listening.chmod(0o777)
        code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(listening)!r})"
        assert "FileNotFoundError" in boxes.python(code).output


def test_nothing_is_inherited_but_the_three_streams(boxes: Boxes) -> None:
    with open(__file__, "rb") as kept:
        os.set_inheritable(kept.fileno(), True)
        assert boxes.python("import os; print(sorted(os.listdir('/proc/self/fd')))").output == (
            "['0', '1', '2', '3']\n"
        )


def test_streams_can_be_opened_again_by_name(boxes: Boxes) -> None:
    assert boxes.shell("echo out > /dev/stdout; echo err > /dev/stderr").output == "out\nerr\n"


def test_broken_pipes_end_programs_as_everywhere(boxes: Boxes) -> None:
    assert boxes.shell("yes | head -1; exit ${PIPESTATUS[0]}").status.exit_code == 128 + signal.SIGPIPE


def test_no_capabilities_and_no_way_to_get_them(boxes: Boxes) -> None:
    seen = boxes.shell("grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs|^Seccomp:' /proc/self/status").output
    values = dict(line.split(":\t") for line in seen.splitlines())
    assert {int(values[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")


def test_supplementary_groups_of_root_are_gone(boxes: Boxes) -> None:
    uid = boxes.launcher.account("alice").uid
    assert boxes.shell("id -u; id -g; id -G; whoami").output == f"{uid}\n{uid}\n{uid}\nalice\n"


def test_threads_can_watch_from_python(boxes: Boxes) -> None:
    """What researchers do must go on: threads, forks, multiprocessing, locks in shared memory."""
    code = (
        "import multiprocessing, threading\n"
        "t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()\n"
        "def f(x): return x * x\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.Pool(2) as pool: print(pool.map(f, range(4)))\n"
    )
    assert boxes.python(code).output == "thread\n[0, 1, 4, 9]\n"


def test_the_launcher_may_be_used_from_many_threads(boxes: Boxes) -> None:
    failures: list[BaseException] = []

    def one(number: int) -> None:
        try:
            outcome = boxes.shell(f"echo {number}", id=f"thread-{number}")
            assert outcome.output == f"{number}\n"
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_python_of_this_environment_runs_inside(boxes: Boxes) -> None:
    prefix = Path(sys.prefix)
    mount = Mount(source=prefix, target=prefix)
    outcome = boxes.run(
        str(prefix / "bin" / "python"), "-c", "import pydantic; print('ok')", more_mounts=[mount]
    )
    assert outcome.output == "ok\n"
