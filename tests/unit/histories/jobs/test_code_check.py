from __future__ import annotations

import json

import pytest

from perijove.core.errors import BadRequestError
from perijove.histories.services.code_check import check_code, code_file_name, code_kind


@pytest.mark.parametrize(
    ("name", "ext", "kind"),
    [
        ("a.ipynb", "ipynb", "notebook"),
        ("a", "ipynb", "notebook"),
        ("a.IPYNB", "txt", "notebook"),
        ("a.py", "py", "script"),
        ("a", "txt", "script"),
    ],
)
def test_kinds(name, ext, kind):
    assert code_kind(name, ext) == kind


@pytest.mark.parametrize(
    ("name", "kind", "wanted"),
    [
        ("train.ipynb", "notebook", "train.ipynb"),
        ("my train", "script", "my train.py"),
        ("../../etc/passwd", "script", "etc_passwd.py"),
        ("käse.py", "script", "k_se.py"),
        ("", "notebook", "notebook.ipynb"),
        ("...", "script", "script.py"),
        ("x" * 300, "script", "x" * 100 + ".py"),
        ("a\nb.ipynb", "notebook", "a_b.ipynb"),
    ],
)
def test_file_names_are_plain(name, kind, wanted):
    assert code_file_name(name, kind) == wanted


def notebook(**more: object) -> bytes:
    cell = {"cell_type": "code", "source": ["1\n", "2"], "metadata": {}, "outputs": []}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell], **more}).encode()


def test_what_runs():
    check_code(notebook(), "notebook")
    check_code(notebook(metadata={"kernelspec": {"name": "x"}}), "notebook")
    check_code(notebook(metadata=None), "notebook")
    check_code(b"\xef\xbb\xbf" + notebook(), "notebook")
    check_code(b"print(1)", "script")
    check_code("# -*- coding: latin-1 -*-\nprint('é')".encode("latin-1"), "script")


def test_format_three_is_brought_up_to_date_by_the_runner():
    old = {"nbformat": 3, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "code", "input": "1"}]}]}
    check_code(json.dumps(old).encode(), "notebook")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"print('\xff')", "script"),
        (b"# coding: nonsense\n1", "script"),
        (notebook(cells=[{"cell_type": "markdown", "source": "x"}]), "notebook"),
        (notebook(cells="x"), "notebook"),
        (notebook(cells=[None, 1, []]), "notebook"),
        (notebook(nbformat="4"), "notebook"),
        (notebook(metadata={"language_info": {"name": "R"}}), "notebook"),
    ],
)
def test_what_does_not(content, kind):
    with pytest.raises(BadRequestError):
        check_code(content, kind)
