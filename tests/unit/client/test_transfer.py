"""get and put, over a network that breaks."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from perijove_lab.client import tus
from perijove_lab.client.api import get, put
from perijove_lab.client.connection import Connection
from perijove_lab.client.errors import (
    AwayError,
    InputError,
    KeyRefusedError,
    MissingError,
    NotConnectedError,
    RefusedError,
    TransferError,
)
from perijove_lab.client.write_behind import WriteBehind

CONTENT = os.urandom(3_000_000)


@pytest.fixture
def history(galaxy: Any, connection: Connection) -> str:
    return str(galaxy.add_history("work")["id"])


class TestGet:
    def test_by_number(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", CONTENT, "h5")
        path = get(1)
        assert path == "imports/1-ct.h5"
        assert Path(path).read_bytes() == CONTENT

    def test_by_name_id_regex_list_and_text_number(self, galaxy: Any, history: str) -> None:
        first = galaxy.add_dataset(history, "a.csv", b"1", "csv")
        galaxy.add_dataset(history, "b.csv", b"2", "csv")
        assert get("a.csv") == "imports/1-a.csv"
        assert get(first["id"]) == "imports/1-a.csv"
        assert get("2") == "imports/2-b.csv"
        assert get("[ab].csv", identifier_type="regex") == ["imports/1-a.csv", "imports/2-b.csv"]
        assert get([1, 2]) == ["imports/1-a.csv", "imports/2-b.csv"]

    def test_what_arrives_is_brought_to_the_disk_meanwhile(
        self, galaxy: Any, history: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        synced: list[int] = []
        monkeypatch.setattr("perijove_lab.client.write_behind._SYNC_EVERY", 1)
        monkeypatch.setattr("os.fdatasync", synced.append)
        galaxy.add_dataset(history, "ct", CONTENT, "h5")
        assert Path(get(1)).read_bytes() == CONTENT
        assert synced

    def test_a_disk_that_fails_while_it_is_written_is_told(
        self, galaxy: Any, history: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def failing(_file: int) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr("perijove_lab.client.write_behind._SYNC_EVERY", 1)
        monkeypatch.setattr("os.fdatasync", failing)
        galaxy.add_dataset(history, "ct", CONTENT, "h5")
        with pytest.raises(TransferError, match="Input/output error"):
            get(1)
        assert not Path("imports/1-ct.h5").exists()

    def test_nothing_is_written_after_a_block_that_was_not(self, tmp_path: Path) -> None:
        """Else a download taken up by its length would go on at the wrong place."""

        class Full(io.BytesIO):
            def write(self, block: Any) -> int:
                if block == b"b":
                    raise OSError(28, "No space left on device")
                return super().write(block)

        def fill(file: Full) -> None:
            with WriteBehind(file) as behind:
                for block in (b"a", b"b", b"c", b"d"):
                    behind.write(block)

        file = Full()
        with pytest.raises(OSError, match="No space left"):
            fill(file)
        assert file.getvalue() == b"a"

    def test_the_newest_of_a_name(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "m.onnx", b"old")
        galaxy.add_dataset(history, "m.onnx", b"new")
        assert Path(get("m.onnx")).read_bytes() == b"new"

    def test_to_a_file_and_into_a_folder(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", b"x", "h5")
        assert get(1, to="data/ct.h5") == "data/ct.h5"
        assert get(1, to="more/") == "more/1-ct.h5"
        assert Path("data/ct.h5").read_bytes() == Path("more/1-ct.h5").read_bytes() == b"x"

    def test_several_into_one_file_is_refused(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "a", b"x")
        galaxy.add_dataset(history, "b", b"y")
        with pytest.raises(InputError, match="cannot all become"):
            get([1, 2], to="one.h5")

    def test_collections_become_folders(self, galaxy: Any, history: str) -> None:
        one = galaxy.add_dataset(history, "p", b"png", "png")
        two = galaxy.add_dataset(history, "q", b"onnx", "onnx")
        galaxy.add_collection(history, "files", [("fig/a.png", one["id"]), ("model", two["id"])])
        assert get(3) == "imports/3-files"
        assert Path("imports/3-files/fig/a.png").read_bytes() == b"png"
        assert Path("imports/3-files/model.onnx").read_bytes() == b"onnx"

    def test_names_never_lead_out_of_the_folder(self, galaxy: Any, history: str) -> None:
        inner = galaxy.add_dataset(history, "../../evil", b"x", "txt")
        galaxy.add_collection(history, "..", [("../../../etc/cron.d/x", inner["id"]), ("..", inner["id"])])
        for path in (get(1), get(2)):
            assert Path(path).resolve().is_relative_to(Path.cwd() / "imports")
        made = {path.resolve() for path in Path.cwd().parent.rglob("*") if path.is_file()}
        assert all(path.is_relative_to(Path.cwd().parent) for path in made)
        assert not (Path.cwd().parent / "evil").exists()

    def test_elements_with_the_same_path_are_kept_apart(self, galaxy: Any, history: str) -> None:
        one = galaxy.add_dataset(history, "x", b"1", "txt")
        two = galaxy.add_dataset(history, "y", b"2", "txt")
        galaxy.add_collection(history, "c", [("a", one["id"]), ("../a", two["id"])])
        folder = Path(get(3))
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"a.txt": b"1", "a-2.txt": b"2"}

    def test_changed_files_of_a_collection_are_kept(self, galaxy: Any, history: str) -> None:
        one = galaxy.add_dataset(history, "x", b"1", "txt")
        galaxy.add_collection(history, "c", [("a", one["id"])])
        first = get(2)
        assert get(2) == first
        (Path(first) / "a.txt").write_bytes(b"mine")
        assert get(2) == "imports/2-c-2"
        assert (Path(first) / "a.txt").read_bytes() == b"mine"
        assert Path("imports/2-c-2/a.txt").read_bytes() == b"1"

    def test_a_collection_that_broke_off_is_taken_up(self, galaxy: Any, history: str) -> None:
        inner = [galaxy.add_dataset(history, f"x{n}", bytes([n]), "txt") for n in range(5)]
        galaxy.add_collection(history, "c", [(one["name"], one["id"]) for one in inner])
        galaxy.fault = lambda method, path: (503, b"") if path.endswith(f"{inner[3]['id']}/display") else None
        with pytest.raises(AwayError):
            get(6)
        galaxy.fault = lambda *_: None
        galaxy.requests.clear()
        folder = Path(get(6))
        assert len(list(folder.iterdir())) == 5
        assert len([path for _, path in galaxy.requests if path.endswith("/display")]) == 2

    def test_a_name_of_ten_thousand_characters(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "é" * 10_000, b"x", "h5")
        assert Path(get(1)).read_bytes() == b"x"
        assert get(1).endswith(".h5")

    def test_a_second_time_nothing_is_downloaded(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", CONTENT, "h5")
        first = get(1)
        galaxy.requests.clear()
        assert get(1) == first
        assert not [path for _, path in galaxy.requests if path.endswith("/display")]

    def test_a_changed_file_is_kept_and_the_dataset_comes_beside_it(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", b"original", "h5")
        Path(get(1)).write_bytes(b"mine now")
        assert get(1) == "imports/1-ct-2.h5"
        assert Path("imports/1-ct.h5").read_bytes() == b"mine now"
        assert Path("imports/1-ct-2.h5").read_bytes() == b"original"

    def test_an_empty_dataset(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "nothing", b"", "txt")
        assert Path(get(1)).read_bytes() == b""

    def test_a_broken_connection_is_taken_up_where_it_broke(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", CONTENT, "h5", cut=1_500_000)
        assert Path(get(1)).read_bytes() == CONTENT

    def test_a_later_call_takes_up_what_an_earlier_one_left(self, galaxy: Any, history: str) -> None:
        entry = galaxy.add_dataset(history, "ct", CONTENT, "h5", cut=1_500_000)

        def fault(method: str, path: str) -> tuple[int, bytes] | None:
            displays = [one for one in galaxy.requests if one[1].endswith("/display")]
            return (503, b"") if path.endswith("/display") and len(displays) > 1 else None

        galaxy.fault = fault
        with pytest.raises(AwayError):
            get(1)
        part = Path("imports") / f".{entry['id']}.part"
        assert 1_000_000 < part.stat().st_size < len(CONTENT)
        galaxy.fault = lambda *_: None
        assert Path(get(1)).read_bytes() == CONTENT
        assert not part.exists()

    def test_damaged_bytes_are_refused_and_not_kept(self, galaxy: Any, history: str) -> None:
        entry = galaxy.add_dataset(history, "ct", b"good", "h5")
        galaxy.content[entry["id"]] = b"evil"
        with pytest.raises(TransferError, match="sha256"):
            get(1)
        assert list(Path("imports").iterdir()) == []

    def test_a_wrong_size_is_refused(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", b"good", "h5", file_size=5, hashes=[])
        with pytest.raises(TransferError, match="4 bytes instead of 5"):
            get(1)

    def test_a_part_longer_than_the_dataset_is_dropped(self, galaxy: Any, history: str) -> None:
        entry = galaxy.add_dataset(history, "ct", b"good", "h5")
        Path("imports").mkdir()
        (Path("imports") / f".{entry['id']}.part").write_bytes(b"much too long")
        assert Path(get(1)).read_bytes() == b"good"

    def test_unknown_number_lists_what_there_is(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", b"x", "h5")
        with pytest.raises(MissingError, match="1: ct"):
            get(7)

    def test_failed_dataset_says_why(self, galaxy: Any, history: str) -> None:
        galaxy.add_dataset(history, "ct", b"", "h5", state="error", misc_info="no disk")
        with pytest.raises(RefusedError, match="no disk"):
            get(1)

    @pytest.mark.parametrize("wanted", [None, 1.5, True, {"a": 1}])
    def test_nonsense_is_refused(self, history: str, wanted: object) -> None:
        with pytest.raises(InputError):
            get(wanted)

    def test_history_that_is_gone(self, galaxy: Any, history: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(MissingError, match="no history"):
            get(1, history_id="ffffffffffffffff")
        galaxy.histories[history]["deleted"] = True
        monkeypatch.setenv("HISTORY_ID", history)
        with pytest.raises(MissingError, match="deleted"):
            get(1)

    def test_waits_for_a_dataset_that_is_being_made(self, galaxy: Any, history: str) -> None:
        entry = galaxy.add_dataset(history, "ct", b"x", "h5", state="running")

        def fault(method: str, path: str) -> None:
            if len([one for one in galaxy.requests if one[1].endswith(entry["id"])]) == 3:
                entry["state"] = "ok"

        galaxy.fault = fault
        assert Path(get(1)).read_bytes() == b"x"


class TestPut:
    def test_one_file(self, galaxy: Any, history: str) -> None:
        Path("ct.h5").write_bytes(CONTENT)
        made = put("ct.h5")
        assert galaxy.content[made.id] == CONTENT
        assert (made.name, made.hid, made.history_id) == ("ct.h5", 1, history)

    def test_several_files_and_a_pattern(self, galaxy: Any, history: str) -> None:
        for name in ("a.csv", "b.csv", "c.txt"):
            Path(name).write_text(name)
        assert [one.name for one in put(["a.csv", "c.txt"])] == ["a.csv", "c.txt"]
        assert [one.name for one in put("*.csv")] == ["a.csv", "b.csv"]

    def test_a_folder_becomes_a_collection(self, galaxy: Any, history: str) -> None:
        Path("slices/deep").mkdir(parents=True)
        Path("slices/1.png").write_bytes(b"1")
        Path("slices/deep/2.png").write_bytes(b"2")
        made = put("slices")
        assert (made.src, made.name) == ("hdca", "slices")
        elements = [one["element_identifier"] for one in galaxy.entries[made.id]["elements"]]
        assert elements == ["1.png", "deep/2.png"]

    def test_files_as_a_collection(self, galaxy: Any, history: str) -> None:
        for name in ("a.csv", "b.csv"):
            Path(name).write_text(name)
        assert put("*.csv", collection="tables").name == "tables"

    def test_type_and_history_are_passed_on(self, galaxy: Any, history: str) -> None:
        other = galaxy.add_history("other")["id"]
        Path("x").write_bytes(b"x")
        made = put("x", file_type="tabular", history_id=history)
        assert (made.ext, made.history_id) == ("tabular", history)
        assert put("x").history_id == other

    def test_an_empty_file(self, galaxy: Any, history: str) -> None:
        Path("x").touch()
        assert galaxy.content[put("x").id] == b""

    def test_a_broken_connection_is_taken_up_where_it_broke(self, galaxy: Any, history: str) -> None:
        Path("ct.h5").write_bytes(CONTENT)
        galaxy.cut_body = 1_000_000
        assert galaxy.content[put("ct.h5").id] == CONTENT
        assert [one[0] for one in galaxy.requests].count("PATCH") == 2

    def test_a_later_call_takes_up_an_upload(self, galaxy: Any, history: str) -> None:
        Path("ct.h5").write_bytes(CONTENT)
        galaxy.cut_body = 1_000_000

        def fault(method: str, path: str) -> tuple[int, bytes] | None:
            return (503, b"") if method == "HEAD" else None

        galaxy.fault = fault
        with pytest.raises(AwayError):
            put("ct.h5")
        galaxy.fault = lambda *_: None
        galaxy.requests.clear()
        assert galaxy.content[put("ct.h5").id] == CONTENT
        assert ("POST", f"/{tus.CREATE}") not in galaxy.requests

    def test_an_upload_the_server_has_forgotten_starts_anew(self, galaxy: Any, history: str) -> None:
        Path("ct.h5").write_bytes(CONTENT)
        galaxy.cut_body = 1_000_000
        galaxy.fault = lambda method, path: (503, b"") if method == "HEAD" else None
        with pytest.raises(AwayError):
            put("ct.h5")
        galaxy.fault = lambda *_: None
        galaxy.uploads.clear()
        assert galaxy.content[put("ct.h5").id] == CONTENT

    def test_smaller_pieces_where_a_proxy_limits_them(
        self, galaxy: Any, history: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tus, "SMALL_CHUNK", 1_000_000)
        galaxy.perijove = False
        Path("ct.h5").write_bytes(CONTENT)
        refused = []

        def fault(method: str, path: str) -> tuple[int, bytes] | None:
            if method == "PATCH" and not refused:
                refused.append(path)
                return 413, b"<html>too large</html>"
            return None

        galaxy.fault = fault
        assert galaxy.content[put("ct.h5").id] == CONTENT
        assert [one[0] for one in galaxy.requests].count("PATCH") == 4

    def test_a_full_quota_is_told_in_the_servers_words(self, galaxy: Any, history: str) -> None:
        Path("ct.h5").write_bytes(b"x")
        said = b'{"err_msg": "Your quota is full. Delete something.", "advice": "Delete something."}'
        galaxy.fault = lambda method, path: (413, said) if method == "POST" else None
        with pytest.raises(RefusedError) as error:
            put("ct.h5")
        assert (error.value.message, error.value.advice) == ("Your quota is full.", "Delete something.")

    def test_a_refusal_for_the_moment_is_tried_again(self, galaxy: Any, history: str) -> None:
        Path("ct.h5").write_bytes(b"x")
        said = b'{"err_msg": "Another request is writing.", "retry": true}'
        refused: list[str] = []

        def fault(method: str, path: str) -> tuple[int, bytes] | None:
            refused.append(path)
            return (409, said) if path == "/api/tools/fetch" and refused.count(path) < 3 else None

        galaxy.fault = fault
        assert galaxy.content[put("ct.h5").id] == b"x"
        assert refused.count("/api/tools/fetch") == 3

    @pytest.mark.parametrize("name", ["absent.h5", "*.absent", "empty/"])
    def test_what_is_not_there(self, history: str, name: str) -> None:
        Path("empty").mkdir()
        with pytest.raises(InputError, match="no file"):
            put(name)

    def test_a_first_history_is_made_for_who_has_none(self, galaxy: Any, connection: Connection) -> None:
        Path("x").write_bytes(b"x")
        made = put("x")
        assert galaxy.histories[made.history_id]["name"] == "lab"


class TestErrors:
    def test_no_server_known(self) -> None:
        with pytest.raises(NotConnectedError, match="GALAXY_URL"):
            get(1)

    def test_no_key_known(self) -> None:
        with pytest.raises(NotConnectedError, match="API_KEY"):
            get(1, server="http://127.0.0.1:1")

    def test_server_away(self) -> None:
        with pytest.raises(AwayError, match="does not answer"):
            get(1, server="http://127.0.0.1:1", key="k")

    @pytest.mark.parametrize("status", [502, 503, 504])
    def test_proxy_without_a_server_behind_it(self, galaxy: Any, history: str, status: int) -> None:
        galaxy.fault = lambda *_: (status, b"<html>Service Unavailable</html>")
        with pytest.raises(AwayError):
            get(1)

    def test_wrong_key(self, galaxy: Any) -> None:
        with pytest.raises(KeyRefusedError, match="does not accept the key"):
            get(1, server=galaxy.url, key="wrong")

    def test_no_galaxy_there(self, galaxy: Any, history: str) -> None:
        galaxy.fault = lambda *_: (200, b"<html>Welcome</html>")
        with pytest.raises(NotConnectedError, match="not as a Galaxy"):
            get(1)

    def test_not_an_address(self) -> None:
        for server in ("::::", "galaxy.example.org", "http://"):
            with pytest.raises(NotConnectedError, match="not an address"):
                get(1, server=server, key="k")

    def test_the_key_stays_out_of_messages(self, galaxy: Any) -> None:
        with pytest.raises(KeyRefusedError) as error:
            get(1, server=galaxy.url, key="my-very-secret")
        assert "my-very-secret" not in str(error.value) + repr(error.value.__cause__)

    def test_shown_without_a_traceback(self) -> None:
        with pytest.raises(NotConnectedError) as error:
            get(1)
        lines = error.value._render_traceback_()
        assert len(lines) == 2
        assert "No server is known here." in lines[0]
