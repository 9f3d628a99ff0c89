"""The commands of `python -m perijove_lab.kernel` that nobody waits for."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from perijove_lab.kernel.launch import overlay_environment, run
from perijove_lab.kernel.overlay import overlay_for, prepare
from perijove_lab.kernel.spec import install


def run_command(arguments: list[str]) -> int:
    """Exit code of one command."""
    options = _parser().parse_args(arguments)
    code: int = options.act(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perijove-lab", description="Kernels and your own packages.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_home(_add(commands, "packages", _packages, "list the packages that you installed"))
    _add_home(_add(commands, "reset", _reset, "set your packages aside and start from none"))
    _add_home(_add(commands, "reset-packages", _reset, "the same as reset"))
    _add_home(_add(commands, "prepare", _prepare, "make the place for your packages; print its variables"))
    runner = _add(commands, "run", _run, "run Python with your packages: run -- -m MODULE …")
    _add_home(runner)
    runner.add_argument("arguments", nargs=argparse.REMAINDER, help="-m MODULE and its arguments")
    _add_install(commands)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, act: object, text: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(act=act)
    return parser


def _add_home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=Path, default=Path.home(), help="the user's home")


def _add_install(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _add(commands, "install", _install, "register a kernel with a lab (for installers)")
    parser.add_argument("--env-prefix", type=Path, required=True, help="the kernel's environment")
    parser.add_argument("--lab-prefix", type=Path, required=True, help="the environment JupyterLab runs in")
    parser.add_argument("--name", required=True, help="short name")
    parser.add_argument("--display-name", required=True, help="what users read")
    parser.add_argument(
        "--default", action="store_true", help="the kernel of new notebooks, known as python3"
    )


def _packages(options: argparse.Namespace) -> int:
    print("\n".join(overlay_for(options.home).packages()) or "none")
    return 0


def _prepare(options: argparse.Namespace) -> int:
    prepare(overlay_for(options.home))
    environ = overlay_environment(options.home, os.environ)
    print(json.dumps({name: environ[name] for name in ("PATH", "VIRTUAL_ENV")}))
    return 0


def _run(options: argparse.Namespace) -> int:
    arguments = [part for index, part in enumerate(options.arguments) if index or part != "--"]
    if arguments[:1] != ["-m"] or len(arguments) < 2:
        raise SystemExit("perijove-lab run: what follows -- starts with -m MODULE")
    run(arguments, options.home)


def _reset(options: argparse.Namespace) -> int:
    """Renamed, not removed: whoever resets by mistake can move it back."""
    overlay = overlay_for(options.home)
    if not overlay.root.exists():
        print("You have installed no packages: there is nothing to reset.")
        return 0
    names = overlay.packages()
    aside = overlay.root.with_name(f"{overlay.root.name}.{time.strftime('%Y%m%d-%H%M%S')}")
    overlay.root.rename(aside)
    prepare(overlay)
    print(f"Your packages ({', '.join(names) or 'none'}) now lie in {aside}. Restart your kernels.")
    return 0


def _install(options: argparse.Namespace) -> int:
    written = install(
        options.env_prefix.absolute(),
        options.lab_prefix.absolute(),
        name=options.name,
        display_name=options.display_name,
        default=options.default,
    )
    print("\n".join(str(path) for path in written))
    return 0
