"""Build the lab's CPU image without a registry and test it: `scripts/images.py test [pytest's arguments]`.

The base is Debian, made by mmdebstrap from the machine's own mirrors. Both images stay, and the engine's
cache with them: a second run builds only what has changed. `remove` deletes the images.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from perijove.core.errors import ConfigurationError, PerijoveError
from perijove.images.engine import Engine, find_engine
from perijove.images.survey import list_images

BASE = "localhost/perijove-debian:bookworm"
IMAGE = "perijove-lab:test"
_NETAVARK = Path("/usr/lib/podman/netavark")


def provide_base(engine: Engine) -> None:
    """Debian with Python as an image. ConfigurationError where mmdebstrap is missing."""
    if engine.inspect(BASE) is not None:
        return
    if shutil.which("mmdebstrap") is None:
        raise ConfigurationError("There is no mmdebstrap.", advice="apt-get install mmdebstrap")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        tar = Path(folder) / "base.tar"
        packages = "ca-certificates,git,less,libgomp1,openssh-client,python3,python3-venv,tini"
        command = [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={packages}",
            "bookworm",
            str(tar),
        ]
        subprocess.run(command, check=True)
        engine.ask("import", str(tar), BASE)


def build(engine: Engine) -> None:
    """The CPU image, by the command that users have."""
    started = time.monotonic()
    program = str(Path(sys.executable).parent / "perijove")
    subprocess.run([program, "image", "build", "--base", BASE, "--name", IMAGE], check=True)
    found = next(image for image in list_images(engine) if image.name == IMAGE)
    print(f"{found.name}: {found.summary}; built in {time.monotonic() - started:.0f} s")


def use_netavark() -> None:
    """Where podman has no CNI plugins, tests need its other way to publish ports."""
    if _NETAVARK.exists() and not Path("/usr/lib/cni/bridge").exists():
        file = Path(tempfile.mkdtemp(prefix="perijove-containers-", dir="/var/tmp")) / "containers.conf"
        file.write_text('[network]\nnetwork_backend = "netavark"\n')
        os.environ["CONTAINERS_CONF"] = str(file)


def main(arguments: list[str]) -> int:
    """pytest's exit code."""
    use_netavark()
    engine = find_engine("podman")
    if arguments[:1] == ["remove"]:
        engine.ask("rmi", "--force", IMAGE, BASE)
        return 0
    provide_base(engine)
    build(engine)
    environment = {**os.environ, "PERIJOVE_TEST_IMAGE": IMAGE}
    command = [sys.executable, "-m", "pytest", "tests/integration/images", *arguments[1:]]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PerijoveError as error:
        sys.exit(f"{error.message}\n{error.advice}".rstrip())
