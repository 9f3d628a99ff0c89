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
    """`lock.txt`, or one lock a variant where the environment declares variants."""
    folder = f"environments/{name}"
    lists = [f"{folder}/packages.txt", *ALONG.get(name, ())]
    tied = ("-c", "environments/platform/lock.txt") if name == "dev" else ()
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


def lock_proxy() -> None:
    """npm's lock, without the hosts it was resolved from."""
    print("environments/proxy/package-lock.json")
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "package.json").write_text((ENVIRONMENTS / "proxy" / "package.json").read_text())
        npm = [
            "npm",
            "install",
            "--package-lock-only",
            "--omit-lockfile-registry-resolved",
            "--no-audit",
            "--no-fund",
        ]
        subprocess.run(npm, cwd=work, check=True, stdout=subprocess.DEVNULL)
        (ENVIRONMENTS / "proxy" / "package-lock.json").write_text(
            (Path(work) / "package-lock.json").read_text()
        )


def main(names: list[str]) -> None:
    """Lock `names`, or everything. `torch` comes after `ai` and `dev` after `platform`, which tie them."""
    special = {"torch": lock_torch, "proxy": lock_proxy}
    for name in names or ["platform", "lab", "ai", "torch", "dev", "proxy"]:
        special.get(name, lambda name=name: lock_environment(name))()


if __name__ == "__main__":
    main(sys.argv[1:])
