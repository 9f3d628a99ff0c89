"""Archives that somebody made to do harm, or that arrived broken: refused in words, nothing left behind."""

from __future__ import annotations

import gzip
import io
import json
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from perijove.core.errors import BadRequestError, PerijoveError, TooLargeError
from perijove.histories.archives.galaxy_reading import read_history
from perijove.histories.archives.unpacking import Limits, unpack

LIMITS = Limits(total=10**6, file=10**6, members=100, document=10**5)
Named = tuple[str, bytes]
_NOISE = random.Random(1).randbytes(100_000)  # does not compress


def zipped(*members: Named, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return held.getvalue()


def tarred(*members: Named, **attributes: object) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for attribute, value in attributes.items():
                setattr(info, attribute, value)
            archive.addfile(info, io.BytesIO(content))
    return held.getvalue()


def stored(*members: Named) -> bytes:
    return zipped(*members, method=zipfile.ZIP_STORED)


def gzipped(*members: Named) -> bytes:
    return gzip.compress(tarred(*members))


def unpacked(tmp_path: Path, archive: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    path = tmp_path / "archive"
    path.write_bytes(archive)
    found = unpack(path, tmp_path / "folder", limits)
    return {name: file.read_bytes() for name, file in found.files.items()}


def refused(tmp_path: Path, archive: bytes, words: str, limits: Limits = LIMITS) -> None:
    with pytest.raises(PerijoveError, match=words) as caught:
        unpacked(tmp_path, archive, limits)
    assert isinstance(caught.value, BadRequestError | TooLargeError)
    assert [one.name for one in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize("pack", [zipped, tarred, gzipped])
def test_whole_archives_are_unpacked(tmp_path: Path, pack: Callable[..., bytes]) -> None:
    members = (("a.txt", b"one"), ("deep/er/b", b"x" * 100_000), ("empty", b""))
    assert unpacked(tmp_path, pack(*members)) == dict(members)


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "a\\..\\b", "line\nbreak"])
def test_names_that_lead_out(tmp_path: Path, pack: Callable[..., bytes], name: str) -> None:
    refused(tmp_path, pack((name, b"x")), "leads out|is no name")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_of_tar(tmp_path: Path, kind: bytes) -> None:
    archive = tarred(("a", b""), type=kind, linkname="/etc/passwd")
    refused(tmp_path, archive, "a link, a device")


def test_links_of_zip(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        info = zipfile.ZipInfo("a")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    refused(tmp_path, held.getvalue(), "is a link or a device")


def test_encrypted_members(tmp_path: Path) -> None:
    archive = bytearray(zipped(("a", b"x" * 50)))
    archive[6] |= 1
    archive[archive.index(b"PK\x01\x02") + 8] |= 1
    refused(tmp_path, bytes(archive), "is encrypted")


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_given_twice(tmp_path: Path, pack: Callable[..., bytes]) -> None:
    refused(tmp_path, pack(("a", b"1"), ("./a", b"2")), "is there twice")


@pytest.mark.parametrize("pack", [zipped, gzipped])
def test_one_that_grows_too_large(tmp_path: Path, pack: Callable[..., bytes]) -> None:
    members = [(str(number), bytes(600_000)) for number in range(2)]
    refused(tmp_path, pack(*members), "of free room")


def test_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perijove.histories.archives.unpacking._FREE_GROWTH", 10**5)
    monkeypatch.setattr("perijove.histories.archives.unpacking._LARGEST_RATIO", 100)
    refused(tmp_path, zipped(("a", bytes(900_000))), "100 times its size")


def test_too_many_members(tmp_path: Path) -> None:
    refused(tmp_path, zipped(*((str(number), b"") for number in range(101))), "may have 100 files")


def test_a_file_over_the_limit(tmp_path: Path) -> None:
    refused(tmp_path, tarred(("a", bytes(50))), "A file may have", Limits(total=10**6, file=49))


@pytest.mark.parametrize("pack", [zipped, stored, tarred, gzipped])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_archives(tmp_path: Path, pack: Callable[..., bytes], share: float) -> None:
    whole = pack(("a", _NOISE), ("b", _NOISE[::-1]))
    refused(tmp_path, whole[: int(len(whole) * share)], "damaged")


@pytest.mark.parametrize("pack", [zipped, stored, gzipped])
def test_archives_whose_last_byte_is_missing(tmp_path: Path, pack: Callable[..., bytes]) -> None:
    refused(tmp_path, pack(("a", _NOISE))[:-1], "damaged")


def test_gzip_that_goes_on_after_the_archive(tmp_path: Path) -> None:
    refused(tmp_path, gzip.compress(tarred(("a", b"x")) + bytes(2**26 + 2**20)), "goes on after its end")


def test_a_tar_cut_between_two_members(tmp_path: Path) -> None:
    refused(tmp_path, tarred(("a", b"x" * 512), ("b", b"y"))[:1024], "damaged")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_flipped_bits_of_zip(tmp_path: Path, method: int) -> None:
    archive = bytearray(zipped(("a", bytes(range(256)) * 40), method=method))
    archive[200] ^= 0x10
    refused(tmp_path, bytes(archive), "damaged")


def test_a_header_that_says_it_is_shorter_than_it_is(tmp_path: Path) -> None:
    archive = zipped(("a", b"x" * 5000))
    place = archive.index(b"PK\x01\x02") + 24
    refused(tmp_path, archive[:place] + (10).to_bytes(4, "little") + archive[place + 4 :], "damaged")


def test_an_extended_header_without_end(tmp_path: Path) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**33
    refused(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + bytes(2048), "a header is too long")


@pytest.mark.parametrize("record", [b"0 path=a\n", b"999 path=a\n", b"x path=a\n", b"5 a\n"])
def test_broken_extended_headers(tmp_path: Path, record: bytes) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, len(record)
    archive = info.tobuf() + record.ljust(512, b"\x00") + tarred(("a", b"x"))
    with pytest.raises(BadRequestError, match=r"damaged|refused"):
        unpacked(tmp_path, archive)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"hello", bytes(1000), b"\x1f\x8b", gzip.compress(b"hello" * 500)]
)
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content, "no history archive|damaged")


def document(**documents: object) -> Callable[[str], bytes | None]:
    found = {name.replace("__", "."): json.dumps(value).encode() for name, value in documents.items()}
    found.setdefault("history_attrs.txt", b"{}")
    return lambda name: found.get(name)


@pytest.mark.parametrize(
    "read",
    [
        lambda _name: b"{",
        lambda _name: b"\xff\xfe",
        lambda _name: b"[" * 100_000,
        lambda _name: b"[]",
        lambda _name: b'{"hid_counter": 1e999}',
        lambda _name: b'{"hid_counter": ' + b"9" * 5000 + b"}",
        document(datasets_attrs__txt=[{"hid": -1}]),
        document(datasets_attrs__txt=[{"hid": 2**70}]),
        document(datasets_attrs__txt=["text"]),
        document(collections_attrs__txt=[{"collection": {"type": "list" + ":list" * 9}}]),
        document(jobs_attrs__txt=[{"input_dataset_mapping": {"a": 1}}]),
    ],
)
def test_descriptions_that_are_none(read: Callable[[str], bytes | None]) -> None:
    with pytest.raises(BadRequestError, match="The archive's"):
        read_history(read)


def test_a_collection_within_itself_without_end() -> None:
    elements: dict = {"type": "list", "elements": []}
    for _ in range(10):
        elements = {"type": "list", "elements": [{"element_identifier": "a", "child_collection": elements}]}
    with pytest.raises(BadRequestError, match="nested deeper"):
        read_history(document(collections_attrs__txt=[{"collection": elements}]))


def test_words_that_no_database_holds_are_mended() -> None:
    found = read_history(
        lambda name: (
            b'{"name": "a\\u0000b\\ud800", "tags": ["x\\ny", 3], "create_time": "0001-01-01T00:00:00+23:00"}'
            if name == "history_attrs.txt"
            else None
        )
    )
    assert (found.name, found.tags, found.created) == ("ab?", ("x y", "3"), None)
