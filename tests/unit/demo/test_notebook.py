"""Notebooks as values and as scripts."""

from __future__ import annotations

import pytest

from perijove.core.errors import BadRequestError
from perijove.demo.notebook import as_script, code_cells


def notebook(*, tagged: bool = True) -> dict:
    metadata = {"tags": ["parameters"]} if tagged else {}
    return {
        "cells": [
            {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "# Title"},
            {"cell_type": "code", "id": "p", "metadata": metadata, "source": ["epochs = 1\n", "name = 'a'"]},
            {"cell_type": "code", "id": "c", "metadata": {}, "source": "total = epochs * 2"},
        ]
    }


def test_parameters_stand_after_their_cell():
    cells = code_cells(notebook(), {"epochs": 5})
    assert [cell.id for cell in cells] == ["p", "injected-parameters", "c"]
    assert cells[0].source == "epochs = 1\nname = 'a'"


def test_a_script_does_what_the_notebook_does():
    namespace: dict = {}
    exec(as_script(notebook(), {"epochs": 5, "name": 'it\'s "quoted"'}), namespace)
    assert (namespace["total"], namespace["name"]) == (10, 'it\'s "quoted"')


def test_no_parameters_change_nothing():
    assert [cell.id for cell in code_cells(notebook())] == ["p", "c"]


def test_parameters_without_a_tagged_cell_are_refused():
    with pytest.raises(BadRequestError, match="tagged"):
        code_cells(notebook(tagged=False), {"epochs": 5})
