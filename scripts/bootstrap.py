"""Set up what a fresh machine lacks and hand over to `perijove` (`make up`). Needs only Python.

python3 scripts/bootstrap.py [COMMAND …]      any perijove command; `up` where none is given
python3 scripts/bootstrap.py --only-install   set up the platform's environment and stop
"""

import ctypes.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 (this is where an older Python is told so)
    sys.exit("Perijove needs Python 3.11 or later; this is {}.{}.".format(*sys.version_info[:2]))

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "packages" / "perijove" / "src"))
sys.dont_write_bytecode = True

from perijove.core.errors import ConfigurationError, PerijoveError  # noqa: E402
from perijove.core.layout import Layout, default_home  # noqa: E402
from perijove.environments.platform import ensure_platform  # noqa: E402
from perijove.environments.stamps import read_stamp  # noqa: E402
from perijove.environments.wheels import own_wheel  # noqa: E402

STARTED = time.monotonic()


def report(line: str) -> None:
    """One line of progress, with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:5.0f} s] {line}", file=sys.stderr, flush=True)


def missing_system_packages() -> list[str]:
    """Debian's names of what this machine lacks."""
    present = {
        "python3-venv": shutil.which("python3", path="/usr/bin:/usr/local/bin") is not None and has_venv(),
        "bubblewrap": shutil.which("bwrap") is not None,
        "slirp4netns": shutil.which("slirp4netns") is not None,
        "libseccomp2": ctypes.util.find_library("seccomp") is not None
        or Path("/usr/lib/libseccomp.so.2").exists(),
    }
    return [name for name, there in present.items() if not there]


def has_venv() -> bool:
    """Whether the system's Python can make environments (Debian packs that apart)."""
    ask = [
        shutil.which("python3", path="/usr/bin:/usr/local/bin") or "python3",
        "-c",
        "import ensurepip, venv",
    ]
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0


def provide_system_packages() -> None:
    """As root on Debian and its kin, install what is missing; otherwise say in one line what to install."""
    missing = missing_system_packages()
    if not missing:
        return
    command = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        if "python3-venv" in missing:
            raise ConfigurationError("This machine lacks packages.", advice=f"As root: {command}")
        report(f"without {', '.join(missing)} nothing can be confined; as root: {command}")
        return
    report(f"installing {', '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "-qq"], command.split()):
        done = subprocess.run(step, env=quiet, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ConfigurationError(
            f"apt-get could not install {', '.join(missing)}: {done.stderr.strip()[-500:]}",
            advice=f"Mend that, or install them by hand: {command}",
        )


def install() -> Path:
    """The platform's environment and the wheels of both distributions; the platform's Python."""
    layout = Layout(default_home())
    provide_system_packages()
    layout.root.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        layout.root.chmod(0o711)
    python = ensure_platform(layout, for_everybody=os.geteuid() == 0, report=report)
    log = layout.logs / "environments.log"
    own_wheel("perijove-lab", wheels=layout.root / "wheels", python=python, log=log, report=report)
    return python


def refuse_early(arguments: list[str]) -> None:
    """What `perijove up` would refuse after minutes of installing: several users without root."""
    import tomllib  # not there before 3.11, which is refused above

    wanted = "--single-user" in arguments or os.environ.get("PERIJOVE_SINGLE_USER", "").lower() in (
        "1",
        "true",
    )
    file = Layout(default_home()).settings_file
    if os.geteuid() == 0 or wanted or (arguments or ["up"])[0] != "up":
        return
    if not (file.is_file() and tomllib.loads(file.read_text()).get("single_user")):
        raise ConfigurationError(
            "Serving several users needs root: each lab and job runs under an account of its own, confined.",
            advice="As root: `sudo make up`. For yourself alone, unconfined: `make up ARGS=--single-user`.",
        )


def installed_python(arguments: list[str]) -> Path | None:
    """The platform's Python for commands that only look or stop: nothing changes under a running platform."""
    path = Layout(default_home()).environments / "platform"
    changes = (arguments or ["up"])[0] in ("up", "env", "demo", "--only-install")
    return None if changes or read_stamp(path) is None else path / "bin" / "python"


def main(arguments: list[str]) -> None:
    """Install, then become the command."""
    try:
        refuse_early(arguments)
        python = installed_python(arguments) or install()
    except PerijoveError as error:
        sys.exit(f"perijove: {error.message}\n{error.advice}".rstrip())
    except KeyboardInterrupt:
        sys.exit("perijove: interrupted; the next start goes on from here")
    if arguments != ["--only-install"]:
        command = [str(python.parent / "perijove"), *(arguments or ["up"])]
        os.execv(command[0], command)  # noqa: S606 (it becomes the command)


if __name__ == "__main__":
    main(sys.argv[1:])
