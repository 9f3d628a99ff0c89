from __future__ import annotations

import stat
from pathlib import Path

import pytest

from perijove.core.errors import BadRequestError, ConfigurationError, ForbiddenError
from perijove.core.settings import JobSettings, Settings
from perijove.engines.galaxy.links import GalaxyLinks, plain_url

GALAXY = "https://galaxy.example.org"


def links(home: Path, *allowed: str) -> GalaxyLinks:
    return GalaxyLinks(Settings(home=home, jobs=JobSettings(galaxies=allowed)))


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://Galaxy.Example.org/", GALAXY),
        (" https://galaxy.example.org:443 ", GALAXY),
        ("http://localhost:8080/galaxy/", "http://localhost:8080/galaxy"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_one_form_of_an_address(url: str, plain: str):
    assert plain_url(url) == plain


@pytest.mark.parametrize(
    "url", ["", "galaxy", "ftp://galaxy", "http://", "http://a:b@galaxy", "http://g/?key=x", "http://g:x"]
)
def test_what_is_no_address(url: str):
    with pytest.raises(BadRequestError):
        plain_url(url)


def test_nothing_may_be_linked_until_an_administrator_names_a_galaxy(tmp_path: Path):
    with pytest.raises(ForbiddenError, match=r"jobs\.galaxies"):
        links(tmp_path).checked(GALAXY, "secret")
    with pytest.raises(ForbiddenError, match=r"You may link: https://galaxy\.example\.org"):
        links(tmp_path, GALAXY).checked("https://galaxy.example.org.evil.org", "secret")
    with pytest.raises(ConfigurationError, match=r"jobs\.galaxies"):
        links(tmp_path, "usegalaxy.eu")


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "kéy", "x" * 513])
def test_what_is_no_key(tmp_path: Path, key: str):
    with pytest.raises(BadRequestError, match="no API key"):
        links(tmp_path, GALAXY).checked(GALAXY, key)


def test_a_link_is_kept_in_private(tmp_path: Path):
    kept = links(tmp_path, GALAXY)
    link = kept.checked(GALAXY, "secret")
    assert "secret" not in f"{link} {link!r}"
    kept.put("ada/../eve", link)
    (file,) = (tmp_path / "state" / "galaxy-links").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert links(tmp_path, GALAXY).get("ada/../eve") == link
    assert kept.get("eve") is None
    assert kept.remove("ada/../eve")
    assert not kept.remove("ada/../eve")
    assert kept.get("ada/../eve") is None


def test_a_galaxy_taken_off_the_list_is_asked_no_more(tmp_path: Path):
    kept = links(tmp_path, GALAXY)
    kept.put("ada", kept.checked(GALAXY, "secret"))
    assert links(tmp_path).get("ada") is None
    assert links(tmp_path, GALAXY).get("ada") is not None
