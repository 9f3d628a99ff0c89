"""What may stand in a description. Whoever holds the launcher's socket can ask for this and no more."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath

from perijove.core.errors import BadRequestError, ForbiddenError
from perijove.core.layout import Layout
from perijove.sandbox import record as records
from perijove.sandbox.plan import PlannedMount
from perijove.sandbox.spec import Account, Mount, SandboxSpec

PACKAGE = Path(__file__).resolve().parents[1]
LOOPBACK = ("127.0.0.1", "localhost")
SYSTEM = (
    "/usr",
    "/opt",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ssl/certs",
    sys.prefix,
    sys.base_prefix,
    str(PACKAGE),
)
_KEPT_TARGETS = ("/proc", "/dev", "/sys", "/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/run")


class Policy:
    """The rules of one PERIJOVE_HOME.

    `readable`: further directories that may be bound, read-only. `front_door`: the address it listens on.
    `image`: the one container image that labs may run in.
    """

    def __init__(
        self, layout: Layout, *, readable: tuple[Path, ...] = (), front_door: str = "", image: str = ""
    ) -> None:
        self._layout = Layout(layout.root.resolve())
        self._given_root = layout.root
        self._image = image
        self._led_to = {*LOOPBACK, front_door}
        self._shared_folders = (self._layout.environments, self._layout.root / "notebooks")
        self._readable = tuple(path.resolve() for path in (*map(Path, SYSTEM), *readable))

    def check(self, spec: SandboxSpec, account: Account) -> None:
        """Uids, ports, texts. BadRequestError or ForbiddenError names what is wrong."""
        if (spec.uid, spec.gid) != (account.uid, account.gid):
            raise ForbiddenError(
                f"uid {spec.uid} is not that of {spec.owner}.", advice="Take it from account()."
            )
        texts = (*spec.argv, *spec.env, *spec.env.values(), spec.owner)
        if any("\0" in text for text in texts) or any("=" in name or not name for name in spec.env):
            raise BadRequestError("An argument or a variable holds a character that none can hold.")
        if not spec.cwd.is_absolute():
            raise BadRequestError(f"The working directory {spec.cwd} is not absolute.")
        if spec.image not in ("", self._image):
            raise ForbiddenError(
                f"No sandbox may use the image {spec.image}.", advice="Name it in the setting hub.lab_image."
            )
        self._check_ports(spec)

    def _check_ports(self, spec: SandboxSpec) -> None:
        ports = [port for pair in spec.inbound for port in (pair.host_port, pair.port)]
        ports += [port for way in spec.outbound for port in (way.port, way.host_port)]
        if any(not 1 <= port <= 65535 for port in ports):
            raise BadRequestError("A port lies between 1 and 65535.")
        if any(pair.host_port < 1024 for pair in spec.inbound):
            raise ForbiddenError("A lab gets no port below 1024 of the host.")
        if strange := [way.host for way in spec.outbound if way.host not in self._led_to]:
            raise ForbiddenError(f"A sandbox is led to the host's own loopback only, not to {strange[0]}.")

    def mounts(self, spec: SandboxSpec, account: Account) -> tuple[PlannedMount, ...]:
        """The mounts, sources resolved. ForbiddenError for a source that is not this owner's to see."""
        planned = []
        for mount in spec.mounts:
            if mount.source == mount.target and not mount.writable and _visible_anyway(mount.source):
                continue
            _check_target(mount.target)
            source = self._source(mount, account)
            if mount.optional and not source.exists():
                continue
            planned.append(
                PlannedMount(source=str(source), target=str(mount.target), writable=mount.writable)
            )
        return tuple(planned)

    def log(self, spec: SandboxSpec, account: Account) -> Path:
        """Where output goes: as asked, in the job's directory or below `logs`; else in the record."""
        if spec.log is None:
            return self._layout.sandboxes / spec.id / records.LOG
        path = self._below_root(spec.log)
        if path is not None and (
            path.is_relative_to(self._layout.logs) or self._is_job_of(path.parent, account)
        ):
            return path
        raise ForbiddenError(f"No log may be written to {spec.log}.", advice="Use jobs/<id>/ or logs/.")

    def _below_root(self, path: Path) -> Path | None:
        """`path` by the root's real name, None where it does not lie below it. Follows no link."""
        if not path.is_absolute() or ".." in path.parts:
            raise BadRequestError(f"{path} is not an absolute path without '..'.")
        for root in (self._given_root, self._layout.root):
            if path.is_relative_to(root):
                return self._layout.root / path.relative_to(root)
        return None

    def _source(self, mount: Mount, account: Account) -> Path:
        path = self._below_root(mount.source)
        if path is None or any(path.is_relative_to(shared) for shared in self._shared_folders):
            return self._shared(mount)
        if path.is_relative_to(self._layout.homes / account.name):
            return path
        if path.is_relative_to(self._layout.jobs) and self._is_job_of(self._job(path), account):
            return self._in_job(path, mount)
        if path.is_relative_to(self._layout.datasets) and not mount.writable and path.is_file():
            return path
        raise _forbidden(mount)

    def _shared(self, mount: Mount) -> Path:
        """What every uid may read: environments and the system's directories. Links are followed first."""
        try:
            real = Path(os.path.realpath(mount.source))
        except OSError as error:
            raise _forbidden(mount) from error
        in_root = real.is_relative_to(self._layout.root)
        roots = self._shared_folders if in_root else self._readable
        if mount.writable or not any(real.is_relative_to(root) for root in roots):
            raise _forbidden(mount)
        return real

    def _job(self, path: Path) -> Path:
        parts = path.relative_to(self._layout.jobs).parts
        return self._layout.jobs / parts[0] if parts else self._layout.jobs

    def _is_job_of(self, directory: Path, account: Account) -> bool:
        """Whether `jobs/<id>` was made for this account and has not been collected."""
        if directory.parent != self._layout.jobs:
            return False
        try:
            return os.lstat(directory / "work").st_uid == account.uid
        except OSError:
            return False

    def _in_job(self, path: Path, mount: Mount) -> Path:
        inside = path.relative_to(self._job(path)).parts
        if mount.writable and (not inside or inside[0] not in ("work", "out")):
            raise _forbidden(mount)
        return path


def _forbidden(mount: Mount) -> ForbiddenError:
    how = "written" if mount.writable else "seen"
    return ForbiddenError(
        f"{mount.source} may not be {how} in this sandbox.",
        advice="Its owner's home and jobs, datasets, environments and the system's directories may.",
    )


def _visible_anyway(path: Path) -> bool:
    return path.is_relative_to("/usr")


def _check_target(target: Path) -> None:
    pure = PurePosixPath(target)
    kept = any(pure.is_relative_to(path) for path in _KEPT_TARGETS)
    if not pure.is_absolute() or ".." in pure.parts or pure == PurePosixPath("/") or kept:
        raise BadRequestError(f"Nothing can be mounted on {target} of a sandbox.")
