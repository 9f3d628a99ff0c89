"""The page's list of front ends, divided: those loaded at the start, and those loaded when needed."""

from __future__ import annotations

from perijove_lab.extension.on_demand import OPTION, divided

ELYRA = [{"name": f"@elyra/{name}", "load": "x.js"} for name in ("pipeline-editor-extension", "services")]
REST = [{"name": "perijove-lab", "load": "y.js"}]


def test_what_is_kept_back_is_named_for_our_own_front_end() -> None:
    launcher = [{"name": "@elyra/theme-extension", "load": "z.js"}]
    page = {"federated_extensions": [*ELYRA, *REST, *launcher], "token": ""}
    assert divided(page) == {"federated_extensions": REST, OPTION: ELYRA, "token": ""}
    assert len(page["federated_extensions"]) == 4


def test_a_page_without_front_ends() -> None:
    assert divided({}) == {"federated_extensions": [], OPTION: []}


def test_what_shows_gpus_is_there_where_there_is_one() -> None:
    gpus = [{"name": "jupyterlab-nvdashboard", "load": "g.js"}]
    page = {"federated_extensions": [*REST, *gpus]}
    assert divided(page) == {"federated_extensions": REST, OPTION: []}
    assert divided(page, gpu=True) == {"federated_extensions": [*REST, *gpus], OPTION: []}
