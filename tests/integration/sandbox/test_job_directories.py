"""Job directories between a user who may be hostile and the platform's account."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.sandbox.conftest import PLATFORM, Boxes

from perijove.core.errors import BadRequestError, ConflictError, ForbiddenError, NotFoundError
from perijove.sandbox.spec import Mount

pytestmark = pytest.mark.root


def as_platform(code: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run Python as the platform's account."""
    return subprocess.run(
        [sys.executable, "-I", "-c", code, *map(str, args)],
        capture_output=True, text=True, check=False, user=PLATFORM.uid, group=PLATFORM.gid, extra_groups=(),
    )  # fmt: skip


def job_mounts(job: Path) -> list[Mount]:
    return [
        *(Mount(source=job / name, target=Path("/job") / name) for name in ("job.json", "code")),
        *(Mount(source=job / name, target=Path("/job") / name, writable=True) for name in ("work", "out")),
    ]


@pytest.fixture
def job(boxes: Boxes) -> Path:
    """A job of alice's, filled in by the platform's account as the history server does."""
    path = boxes.launcher.make_job_directory("j1", "alice")
    code = (
        "import sys, os, pathlib; os.umask(0o022); job = pathlib.Path(sys.argv[1])\n"
        "(job / 'job.json').write_text('{}')\n"
        "(job / 'code').mkdir(); (job / 'code' / 'a.py').write_text('1')\n"
    )
    done = as_platform(code, path)
    assert done.returncode == 0, done.stderr
    return path


def test_who_owns_what(boxes: Boxes, job: Path) -> None:
    uid = boxes.launcher.account("alice").uid
    assert (job.stat().st_uid, job.stat().st_mode & 0o777) == (PLATFORM.uid, 0o700)
    for part in ("work", "out"):
        found = (job / part).stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (uid, PLATFORM.gid, 0o2770)
    assert boxes.launcher.make_job_directory("j1", "alice") == job
    with pytest.raises(ConflictError, match="another user's"):
        boxes.launcher.make_job_directory("j1", "bob")


def test_the_job_sees_its_directory_and_reads_only_the_platforms_part(boxes: Boxes, job: Path) -> None:
    script = "cat /job/code/a.py; cd /job; touch job.json code/x x 2>/dev/null; touch work/x out/x && ls"
    outcome = boxes.shell(script, more_mounts=job_mounts(job), log=job / "log")
    assert (job / "log").read_text() == "1code\njob.json\nout\nwork\n"
    assert (job / "log").stat().st_uid == PLATFORM.uid
    assert outcome.status.exit_code == 0


def test_the_platform_follows_progress_while_the_job_runs(boxes: Boxes, job: Path) -> None:
    script = "echo '{}' > /job/out/progress.jsonl; echo up; sleep 60"
    box = boxes.start("/bin/bash", "-c", script, more_mounts=job_mounts(job))
    boxes.wait_for(box.id, "up")
    code = (
        "import os, sys, pathlib\n"
        "from perijove.sandbox.files import open_beneath\n"
        "print(os.read(open_beneath(pathlib.Path(sys.argv[1]), 'out/progress.jsonl'), 100))\n"
    )
    assert as_platform(code, job).stdout == "b'{}\\n'\n"
    with pytest.raises(ConflictError, match="still runs"):
        boxes.launcher.collect_job_directory("j1")
    with pytest.raises(ConflictError, match="still runs"):
        boxes.launcher.remove_job_directory("j1")


def test_after_collecting_everything_is_the_platforms(boxes: Boxes, job: Path) -> None:
    script = (
        "cd /job/out; umask 077; mkdir -p a/b; echo 1 > a/b/c; chmod 0 a/b/c; chmod 0 a/b; "
        "cp /usr/bin/id suid; chmod 6755 suid; ln -s /etc/shadow link; echo 2 > ../work/d"
    )
    assert boxes.shell(script, more_mounts=job_mounts(job)).status.exit_code == 0
    assert boxes.launcher.collect_job_directory("j1") == ()
    code = (
        "import os, sys, pathlib, shutil; job = pathlib.Path(sys.argv[1])\n"
        "print((job / 'out/a/b/c').read_text(), (job / 'work/d').read_text())\n"
        "print(oct((job / 'out/suid').stat().st_mode))\n"
        "(job / 'out/a/b/c').rename(job / 'code' / 'moved'); shutil.rmtree(job / 'out'); print('removed')\n"
    )
    assert as_platform(code, job).stdout == "1\n 2\n\n0o100640\nremoved\n"
    boxes.launcher.remove_job_directory("j1")
    assert not job.exists()


def test_collecting_twice_is_harmless_and_nothing_can_be_started_in_it(boxes: Boxes, job: Path) -> None:
    boxes.launcher.collect_job_directory("j1")
    assert boxes.launcher.collect_job_directory("j1") == ()
    with pytest.raises(ForbiddenError):
        boxes.start("/bin/true", more_mounts=job_mounts(job))


def test_pipes_and_sockets_are_left_out_and_told(boxes: Boxes, job: Path) -> None:
    code = (
        "import os, socket; os.mkfifo('/job/out/pipe'); socket.socket(socket.AF_UNIX).bind('/job/out/sock')"
    )
    boxes.python(code, more_mounts=job_mounts(job))
    left_out = boxes.launcher.collect_job_directory("j1")
    assert sorted(left_out) == [
        "out/pipe: neither a file nor a directory",
        "out/sock: neither a file nor a directory",
    ]
    assert os.listdir(job / "out") == []


def test_a_link_instead_of_a_directory_leads_nowhere(boxes: Boxes, job: Path, tmp_path: Path) -> None:
    """`work` and `out` are mount points inside: a job cannot replace them, but it can make links below."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "precious").write_text("x")
    boxes.shell(
        f"ln -s {target} /job/out/way; ln -s {target}/precious /job/work/file", more_mounts=job_mounts(job)
    )
    boxes.launcher.collect_job_directory("j1")
    assert (target / "precious").stat().st_uid == 0
    boxes.launcher.remove_job_directory("j1")
    assert (target / "precious").read_text() == "x"


def test_deep_trees_and_many_files(boxes: Boxes, job: Path) -> None:
    code = (
        "import os\n"
        "for n in range(10000): open(f'/job/out/f{n}', 'w').close()\n"
        "os.chdir('/job/work')\n"
        "for n in range(3000): os.mkdir('d'); os.chdir('d')\n"
        "open('end', 'w').close()\n"
    )
    assert boxes.python(code, more_mounts=job_mounts(job)).output == ""
    (left_out,) = boxes.launcher.collect_job_directory("j1")
    assert left_out.endswith("more than 100 directories deep")
    assert len(os.listdir(job / "out")) == 10000
    boxes.launcher.remove_job_directory("j1")
    assert not job.exists()


def test_directories_that_are_not_there(boxes: Boxes) -> None:
    boxes.launcher.remove_job_directory("never")
    with pytest.raises(NotFoundError):
        boxes.launcher.collect_job_directory("never")
    for wrong in ("../homes", "", "a/b", ".", "x\0"):
        with pytest.raises(BadRequestError):
            boxes.launcher.remove_job_directory(wrong)


def test_a_dataset_is_readable_inside_and_nowhere_else(boxes: Boxes) -> None:
    datasets = boxes.layout.datasets
    (datasets / "ab").mkdir(parents=True)
    datasets.chmod(0o700)
    file = datasets / "ab" / "cdef"
    file.write_text("content")
    file.chmod(0o444)
    for path in (datasets, datasets / "ab", file):
        os.chown(path, PLATFORM.uid, PLATFORM.gid)
    mount = Mount(source=file, target=Path("/job/inputs/0"))
    assert boxes.shell("cat /job/inputs/0; echo x > /job/inputs/0", more_mounts=[mount]).output.startswith(
        "content/bin"
    )
    assert boxes.shell(f"cat {file}").output.endswith("No such file or directory\n")
    for wrong in (datasets, datasets / "ab"):
        with pytest.raises(ForbiddenError):
            boxes.start("/bin/true", more_mounts=[Mount(source=wrong, target=Path("/data"))])
    with pytest.raises(ForbiddenError):
        boxes.start("/bin/true", more_mounts=[mount.model_copy(update={"writable": True})])


@pytest.mark.parametrize(
    ("source", "writable"),
    [("state/x", False), ("sandboxes", False), ("run", False), ("perijove.toml", False), ("envs", True)],
)
def test_the_platforms_own_files_cannot_be_asked_for(boxes: Boxes, source: str, writable: bool) -> None:
    mount = Mount(source=boxes.layout.root / source, target=Path("/x"), writable=writable)
    with pytest.raises(ForbiddenError):
        boxes.start("/bin/true", more_mounts=[mount])


@pytest.mark.parametrize(
    "source", ["/", "/etc", "/root", "/var", "/proc/1/root", "/home", "/dev", "/usr/../root"]
)
def test_the_hosts_files_cannot_be_asked_for(boxes: Boxes, source: str) -> None:
    with pytest.raises((ForbiddenError, BadRequestError)):
        boxes.start("/bin/true", more_mounts=[Mount(source=Path(source), target=Path("/x"))])


def test_a_link_in_the_environments_may_not_lead_out(boxes: Boxes) -> None:
    """Environments have links (`current` → `1.2`); their ends are checked."""
    boxes.layout.environments.mkdir()
    (boxes.layout.environments / "real").mkdir()
    (boxes.layout.environments / "current").symlink_to("real")
    (boxes.layout.environments / "out").symlink_to("/root")
    good = Mount(source=boxes.layout.environments / "current", target=Path("/x"))
    assert boxes.run("/bin/true", more_mounts=[good]).status.exit_code == 0
    with pytest.raises(ForbiddenError):
        boxes.start(
            "/bin/true", more_mounts=[good.model_copy(update={"source": boxes.layout.environments / "out"})]
        )


def test_a_log_goes_only_where_logs_belong(boxes: Boxes, job: Path) -> None:
    boxes.run("/bin/echo", "hello", log=boxes.layout.logs / "lab.log")
    assert (boxes.layout.logs / "lab.log").read_text() == "hello\n"
    for wrong in (
        boxes.layout.root / "state" / "x",
        Path("/etc/x"),
        boxes.launcher.account("alice").home / "x",
    ):
        with pytest.raises(ForbiddenError):
            boxes.start("/bin/true", log=wrong)
    other = boxes.launcher.make_job_directory("j2", "bob")
    with pytest.raises(ForbiddenError):
        boxes.start("/bin/true", log=other / "log")


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe"])
def test_a_log_that_is_no_plain_file_is_refused(boxes: Boxes, kind: str) -> None:
    """The platform's account owns the directory; through it, it must not have root write elsewhere."""
    target = boxes.layout.root / "target"
    target.write_text("")
    log = boxes.layout.logs / "x.log"
    if kind == "link":
        log.symlink_to(target)
    elif kind == "hard link":
        log.hardlink_to(target)
    else:
        os.mkfifo(log)
    with pytest.raises(Exception, match="not started"):
        boxes.start("/bin/echo", "hello", log=log)
    assert target.read_text() == ""
    assert target.stat().st_uid == 0


def test_another_uid_cannot_be_asked_for(boxes: Boxes) -> None:
    bob = boxes.launcher.account("bob")
    for uid, gid in ((bob.uid, bob.gid), (0, 0), (PLATFORM.uid, PLATFORM.gid)):
        with pytest.raises(ForbiddenError, match="is not that of alice"):
            boxes.start("/bin/true", uid=uid, gid=gid)


def test_the_platforms_account_has_no_way_into_homes_or_records(boxes: Boxes) -> None:
    boxes.shell("echo mine > secret")
    home = boxes.launcher.account("alice").home
    code = (
        "import os, sys\n"
        "for path in sys.argv[1:]:\n"
        "    try: os.listdir(path); print(path)\n"
        "    except PermissionError: pass\n"
    )
    assert as_platform(code, home, boxes.layout.sandboxes).stdout == ""


def test_sockets_are_bound_to_nothing_outside(boxes: Boxes) -> None:
    """A listening socket in a home is a file like any other: nobody outside is led to it."""
    boxes.python("import socket; s = socket.socket(socket.AF_UNIX); s.bind('/home/me/s')")
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(str(boxes.launcher.account("alice").home / "s"))
