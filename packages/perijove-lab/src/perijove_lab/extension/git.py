"""The Git panel's server side, mended where jupyterlab-git 0.55 does other than it says.

What is mended: *Download the repository* in the dialog of a clone means its opposite (its issue 1529); a
password that the server refuses ends a push, and nobody is asked again; outputs that cannot be cleared are
committed.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

LAB = "PERIJOVE_FLAVOR"  # set in labs of the platform; elsewhere the home is somebody's own
CHECKPOINTS = ".ipynb_checkpoints/"
_REFUSED = "Authentication failed"  # as Git says it, whatever the server says
_ASK_AGAIN = "Invalid username or password"  # as the panel knows it: it shows its dialog once more


def ignore_checkpoints(home: Path, environment: Mapping[str, str]) -> None:
    """Let Git pass over JupyterLab's checkpoints in a lab of the platform, unless its owner has a list.

    A home that cannot be written stops nothing.
    """
    if LAB not in environment:
        return
    listed = home / ".config" / "git" / "ignore"
    with contextlib.suppress(OSError):
        listed.parent.mkdir(parents=True, exist_ok=True)
        with listed.open("x") as file:
            file.write(f"{CHECKPOINTS}\n")


def mend(serverapp: ServerApp) -> None:
    """Put our Git in the place of jupyterlab-git's, once that is loaded."""
    settings = serverapp.web_app.settings
    if "git" in settings:
        settings["git"] = _mended(type(settings["git"]))(settings["git"]._config)


def _mended(git: type[Any]) -> type[Any]:
    class MendedGit(git):  # type: ignore[misc]
        """See the module's words."""

        async def clone(
            self,
            path: str,
            repo_url: str,
            auth: Any = None,
            versioning: bool = True,
            submodules: bool = False,
        ) -> dict[str, Any]:
            """A repository, or its files alone where the panel says `versioning`."""
            folder = Path(path) / folder_of(unquote(repo_url))
            there = folder.exists()
            answer = asked_again(await super().clone(path, repo_url, auth, True, submodules))
            if versioning and answer["code"] == 0 and not there:
                shutil.rmtree(folder / ".git", ignore_errors=True)
            return answer

        async def fetch(self, *given: Any, **named: Any) -> dict[str, Any]:
            return asked_again(await super().fetch(*given, **named))

        async def pull(self, *given: Any, **named: Any) -> dict[str, Any]:
            return asked_again(await super().pull(*given, **named))

        async def push(self, *given: Any, **named: Any) -> dict[str, Any]:
            return asked_again(await super().push(*given, **named))

        async def strip_notebook_outputs(self, notebooks: list[str], repo_path: str) -> None:
            """RuntimeError where an output would stay: then nothing is committed."""
            for name in notebooks:
                await asyncio.to_thread(clear_outputs, Path(repo_path, name))
                added = await self.add(name, repo_path)
                if added["code"] != 0:
                    raise RuntimeError(f"{name} cannot be staged: {added['message']}")

    return MendedGit


def folder_of(address: str) -> str:
    """What `git clone` names the folder of a repository."""
    return re.split(r"[/:]", address.rstrip("/").removesuffix("/.git").removesuffix(".git"))[-1]


def asked_again(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer, with words by which the panel asks for name and password again where they were refused."""
    told = str(answer.get("message") or "")
    if answer["code"] == 0 or _REFUSED not in told:
        return answer
    return {**answer, "message": f"{_ASK_AGAIN}: {told}"}


def clear_outputs(path: Path) -> None:
    """Of a notebook's file: what its cells showed, their numbers, and what its widgets held."""
    import nbformat

    notebook: Any = nbformat.read(path, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    for cell in notebook.get("cells", []):
        if cell.get("cell_type") == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
