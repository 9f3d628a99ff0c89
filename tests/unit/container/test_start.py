"""How a lab starts in a container: whose it is, what opens it, where it works, what it says."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from perijove_lab.container import devices, identity, places, serve, tokens
from perijove_lab.container.devices import Driver
from perijove_lab.container.errors import StartError
from perijove_lab.container.identity import Identity
from perijove_lab.container.tokens import Token


class Folder:
    """A folder of any owner."""

    def __init__(self, uid: int, entries: tuple[str, ...] = ()) -> None:
        self._uid, self._entries = uid, entries

    def stat(self) -> os.stat_result:
        return os.stat_result((stat.S_IFDIR | 0o755, 0, 0, 1, self._uid, self._uid, 0, 0, 0, 0))

    def iterdir(self) -> Any:
        return iter(self._entries)


def decide(folder: Any, uid: int = 0, *, root_is_mapped: bool = False) -> Identity:
    return identity.decide(folder, uid=uid, gid=uid, root_is_mapped=root_is_mapped)


def test_the_uid_follows_the_folders_owner() -> None:
    assert decide(Folder(1234)) == Identity(uid=1234, gid=1234)


def test_an_account_that_was_named_stays() -> None:
    assert decide(Folder(1234), uid=77) == Identity(uid=77, gid=77)


def test_a_new_folder_of_root_is_given_to_an_ordinary_account() -> None:
    assert decide(Folder(0)) == Identity(uid=1000, gid=1000, takes_folder=True)


def test_roots_own_files_are_refused_with_advice() -> None:
    with pytest.raises(StartError, match="--user UID:GID"):
        decide(Folder(0, ("thesis.ipynb",)))


def test_root_of_a_rootless_engine_is_the_person_who_started_it() -> None:
    assert decide(Folder(0, ("thesis.ipynb",)), root_is_mapped=True) == Identity(uid=0, gid=0)


def test_an_owner_that_the_container_does_not_know() -> None:
    with pytest.raises(StartError, match="keep-id"):
        decide(Folder(65534))


def test_without_a_folder_an_ordinary_account(tmp_path: Path) -> None:
    assert decide(tmp_path / "none").uid == 1000


@pytest.mark.parametrize(
    ("mapping", "mapped"), [("0 0 4294967295\n", False), ("0 1000 1\n1 100000 65536\n", True), ("", False)]
)
def test_rootless_is_seen_in_the_map_of_uids(tmp_path: Path, mapping: str, mapped: bool) -> None:
    (tmp_path / "uid_map").write_text(mapping)
    assert identity.rootless(tmp_path / "uid_map") is mapped


def test_a_token_is_made_at_random_and_not_in_its_own_picture() -> None:
    one, other = tokens.choose_token({}), tokens.choose_token({})
    assert one.value != other.value
    assert len(one.value) >= 43
    assert one.value not in repr(one)


@pytest.mark.parametrize("value", ["", "  ", "short"])
@pytest.mark.parametrize("name", ["JUPYTER_TOKEN", "PERIJOVE_TOKEN"])
def test_an_open_lab_is_refused(name: str, value: str) -> None:
    with pytest.raises(StartError, match=name):
        tokens.choose_token({name: value})


def test_a_token_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef\n")
    assert tokens.choose_token({}, tmp_path / "token") == Token(value="0123456789abcdef", made_here=False)
    with pytest.raises(StartError, match="cannot be read"):
        tokens.choose_token({}, tmp_path / "none")


@pytest.mark.parametrize(
    "option",
    [
        "--ServerApp.token=",
        "--IdentityProvider.token",
        "--ServerApp.password=x",
        "--ServerApp.disable-check-xsrf=True",
        "--PasswordIdentityProvider.hashed_password=",
        "--ServerApp.authorizer_class=x",
    ],
)
def test_options_that_would_open_the_lab(option: str) -> None:
    with pytest.raises(StartError, match="would change who may open"):
        serve.lab_command(serve.Start(folder=Path("/import"), extra=(option,)), as_root=False)


def test_the_token_is_in_the_environment_alone() -> None:
    start, token = serve.Start(folder=Path("/import")), Token(value="s" * 20, made_here=True)
    assert not any("s" * 20 in part for part in serve.lab_command(start, as_root=False))
    assert serve.lab_environment({}, token)["JUPYTER_TOKEN"] == "s" * 20
    assert "PERIJOVE_TOKEN" not in serve.common_environment(
        {"PERIJOVE_TOKEN": "x"}, Path("/import"), Path("/tmp")
    )


def test_the_address_shows_only_a_token_that_was_made_here() -> None:
    start = serve.Start(folder=Path("/import"), base_url="ep/1")
    assert serve.address(start, Token(value="abc", made_here=True)).endswith("/ep/1/lab?token=abc")
    assert serve.address(start, Token(value="abc", made_here=False)).endswith("/ep/1/lab")


def test_galaxys_names_are_always_there() -> None:
    found = serve.common_environment({"GALAXY_URL": "http://g"}, Path("/import"), Path("/tmp"))
    assert (found["GALAXY_URL"], found["API_KEY"], found["HISTORY_ID"]) == ("http://g", "", "")


def test_a_home_that_the_hub_gives_and_one_that_is_the_folder(tmp_path: Path) -> None:
    given = {"HOME": str(tmp_path)}
    other = tmp_path / "import"
    other.mkdir()
    assert places.home(given, other, tmp_path, given=True) == tmp_path
    assert places.home(given, other, tmp_path, given=False) == other


GPU = Driver(present=True, gpus=("NVIDIA H200",), version=12080)


@pytest.mark.parametrize(
    ("driver", "variant", "nodes", "said"),
    [
        (GPU, "gpu", True, "TensorFlow and JAX use NVIDIA H200 (driver for CUDA 12.8)."),
        (Driver(), "cpu", False, "TensorFlow and JAX use the CPU."),
        (Driver(), "cpu", True, "this image is the CPU variant, build one with --gpu."),
        (Driver(), "gpu", False, "--device nvidia.com/gpu=all (podman) or --gpus all (docker)"),
        (Driver(present=True, error=100), "gpu", True, "shows no GPU (code 100)"),
        (Driver(present=True, gpus=("K80",), version=11040), "gpu", True, "CUDA 11.4, and 12.0 or newer"),
        (Driver(present=True, gpus=("A", "A"), version=12000), "gpu", True, "use 2 × A"),
    ],
)
def test_one_message_says_which_device(driver: Driver, variant: str, nodes: bool, said: str) -> None:
    told = devices.describe(driver, variant=variant, frameworks=["TensorFlow", "JAX"], nodes=nodes)
    assert said in told
    assert "\n" not in told
