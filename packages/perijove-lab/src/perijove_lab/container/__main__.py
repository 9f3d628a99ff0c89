"""`perijove-start [--folder DIR] [--port N] [--base-url PATH] [--token-file FILE] [-- JUPYTER OPTIONS]`.

Started by a hub, it becomes that hub's single-user server; else JupyterLab with a token of its own.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from perijove_lab.container import devices, identity, places, serve, tokens
from perijove_lab.container.errors import StartError


def main(arguments: list[str]) -> int:
    """Become the lab. 2: it was not started, and standard error says why."""
    try:
        asked, extra = _parser().parse_known_args(arguments)
        _start(asked, tuple(option for option in extra if option != "--"))
    except StartError as error:
        print(f"perijove: {error.message}\n  {error.advice}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perijove-start", description="Start a lab in this container.", allow_abbrev=False
    )
    folder = os.environ.get("PERIJOVE_FOLDER") or str(places.FOLDER)
    parser.add_argument("--folder", type=Path, default=Path(folder), help=f"what the lab shows ({folder})")
    parser.add_argument("--port", type=int, default=serve.PORT, help="port to listen on (8888)")
    parser.add_argument("--base-url", default=os.environ.get("PERIJOVE_BASE_URL", "/"), help="path before it")
    parser.add_argument("--token-file", type=Path, help="file with the token; made at random without one")
    return parser


def _start(asked: argparse.Namespace, extra: tuple[str, ...]) -> NoReturn:
    folder = asked.folder.absolute()
    token = tokens.choose_token(os.environ, asked.token_file) if not serve.under_hub(os.environ) else None
    serve.refuse_open_doors(extra)
    whose = identity.decide(folder, uid=os.geteuid(), gid=os.getegid(), root_is_mapped=identity.rootless())
    identity.become(whose, folder, folder)
    temporary = places.temporary_folder(os.environ, folder)
    home = places.home(os.environ, folder, temporary, given=serve.place_is_given(os.environ))
    environ = serve.common_environment(os.environ, home, temporary)
    _say(devices.message(os.environ.get("PERIJOVE_VARIANT", "cpu"), serve.ROOT / "envs" / "ai"))
    if token is None:
        _become(serve.hub_command(extra), environ, home)
    start = serve.Start(folder=folder, port=asked.port, base_url=asked.base_url, extra=extra)
    command = serve.lab_command(start, as_root=os.geteuid() == 0)
    if not places.writable(folder):
        _say(f"{folder} cannot be written by uid {os.geteuid()}: nothing that you change there is kept.")
    elif not os.path.ismount(folder) and folder == places.FOLDER:
        _say(
            f"Nothing is mounted at {folder}: your files go with this container (-v DIR:{folder} keeps them)."
        )
    _say(f"Lab of uid {os.geteuid()} in {folder}: {serve.address(start, token)}")
    _become(command, serve.lab_environment(environ, token), folder)


def _say(line: str) -> None:
    print(f"perijove: {line}", file=sys.stderr, flush=True)


def _become(command: list[str], environ: dict[str, str], folder: Path) -> NoReturn:
    os.chdir(folder if folder.is_dir() else "/")
    os.execve(command[0], command, environ)  # noqa: S606 (no shell, arguments as given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
