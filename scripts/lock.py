"""Write the exact locks of every environment from its declared list (`make lock`).

Locks name no index and no host, and hold for Python 3.11.2 and later: whoever installs them takes the index
that the machine is set to. Run it with uv on PATH; `python scripts/lock.py ai lab` renews only those.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / "environments"
FRONTEND = ROOT / "packages" / "perijove-lab" / "frontend"
FRONTEND_DAY = "2026-10-02"
IN_ORDER = (
    "platform", "lab", "tools", "ai", "torch", "dev", "proxy", "galaxy", "planemo", "frontend",
    "colabfold", "igfold",
)  # fmt: skip
COMPILE = (
    "uv", "pip", "compile", "--quiet", "--no-header", "--no-emit-index-url", "--no-emit-find-links",
    "--annotation-style", "line",
)  # fmt: skip
EVERYWHERE = ("--universal", "--python-version", "3.11.2")
# What else is locked along with a list: the dependencies of our own packages, or another list.
ALONG: dict[str, tuple[str, ...]] = {
    "platform": ("packages/perijove/pyproject.toml",),
    "lab": ("packages/perijove-lab/pyproject.toml",),
    "ai": ("packages/perijove-lab/pyproject.toml",),
    "colabfold": ("packages/perijove-lab/pyproject.toml",),
    "dev": (
        "environments/platform/packages.txt",
        "packages/perijove/pyproject.toml",
        "packages/perijove-lab/pyproject.toml",
    ),
}


def compile_lock(lock: Path, lists: list[str], *options: str) -> None:
    """Resolve `lists` (paths below the repository) into `lock`."""
    print(f"{lock.relative_to(ROOT)}")
    subprocess.run(
        [*COMPILE, *options, *lists, "-o", str(lock)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )


def lock_environment(name: str) -> None:
    """`lock.txt`, or one lock a variant where the environment declares variants.

    `overrides.txt` beside the list names what wins over the pins of the packages themselves.
    """
    folder = f"environments/{name}"
    lists = [f"{folder}/packages.txt", *ALONG.get(name, ())]
    tied: tuple[str, ...] = ("-c", "environments/platform/lock.txt") if name == "dev" else ()
    if (ROOT / folder / "overrides.txt").is_file():
        tied += ("--override", f"{folder}/overrides.txt")
    variants = sorted((ROOT / folder).glob("packages-*.txt"))
    if not variants:
        compile_lock(ROOT / folder / "lock.txt", lists, *EVERYWHERE, *tied)
    for variant in variants:
        kind = variant.stem.removeprefix("packages-")
        compile_lock(ROOT / folder / f"lock-{kind}.txt", [*lists, f"{folder}/{variant.name}"], *EVERYWHERE)


def lock_torch() -> None:
    """PyTorch's CPU build and what it needs beyond `ai`, from UV_FIND_LINKS or PyTorch's own index."""
    lock, ai = ENVIRONMENTS / "torch" / "lock-cpu.txt", "environments/ai/lock-cpu.txt"
    linux = ("--python-version", "3.11.2", "--python-platform", "x86_64-manylinux_2_28", "-c", ai)
    try:
        compile_lock(lock, ["environments/torch/packages.txt"], *linux, "--torch-backend", "cpu")
    except subprocess.CalledProcessError:
        compile_lock(lock, ["environments/torch/packages.txt"], *linux)
    known = {re.split(r"[=\[ ;]", line)[0] for line in (ROOT / ai).read_text().splitlines()}
    own = [line for line in lock.read_text().splitlines() if re.split(r"[=\[ ;]", line)[0] not in known]
    if not any(line.startswith("torch==") and "+cpu" in line for line in own):
        sys.exit("No CPU build of PyTorch was found: name a folder that holds one in UV_FIND_LINKS.")
    lock.write_text("\n".join(own) + "\n")


def lock_igfold() -> None:
    """IgFold and what it needs beyond PyTorch, which is a layer over it as over `ai`."""
    folder = "environments/igfold"
    lists = [f"{folder}/packages.txt", "packages/perijove-lab/pyproject.toml"]
    torch = ENVIRONMENTS / "torch" / "lock-cpu.txt"
    linux = ("--python-version", "3.11.2", "--python-platform", "x86_64-manylinux_2_28")
    lock = ENVIRONMENTS / "igfold" / "lock.txt"
    compile_lock(lock, lists, *linux, "-c", str(torch.relative_to(ROOT)))
    layered = {re.split(r"[=\[ ;]", line)[0] for line in torch.read_text().splitlines()}
    own = [line for line in lock.read_text().splitlines() if re.split(r"[=\[ ;]", line)[0] not in layered]
    lock.write_text("\n".join(own) + "\n")


def lock_npm(folder: Path, *options: str) -> None:
    """npm's lock, without the hosts it was resolved from."""
    print(f"{folder.relative_to(ROOT)}/package-lock.json")
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "package.json").write_text((folder / "package.json").read_text())
        npm = [
            "npm",
            "install",
            "--package-lock-only",
            "--omit-lockfile-registry-resolved",
            "--no-audit",
            "--no-fund",
            *options,
        ]
        subprocess.run(npm, cwd=work, check=True, stdout=subprocess.DEVNULL)
        (folder / "package-lock.json").write_text((Path(work) / "package-lock.json").read_text())


def lock_galaxy() -> None:
    """Galaxy, and the proxy of its interactive tools."""
    lock_environment("galaxy")
    lock_npm(ENVIRONMENTS / "galaxy")


def lock_frontend() -> None:
    """The JupyterLab extension's tools, as of a day on which JupyterLab's packages had one version."""
    lock_npm(FRONTEND, f"--before={FRONTEND_DAY}")


def main(names: list[str]) -> None:
    """Lock `names`, or everything. `torch` comes after `ai` and `dev` after `platform`, which tie them."""
    special = {
        "torch": lock_torch,
        "igfold": lock_igfold,
        "proxy": lambda: lock_npm(ENVIRONMENTS / "proxy"),
        "galaxy": lock_galaxy,
        "frontend": lock_frontend,
    }
    for name in names or IN_ORDER:
        special.get(name, lambda name=name: lock_environment(name))()


if __name__ == "__main__":
    main(sys.argv[1:])
