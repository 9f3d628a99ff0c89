from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.core.errors import BadRequestError
from perijove.histories.services.job_inputs import check_paths_differ, clean_path, parse_inputs

A, B = "a" * 16, "b" * 16
CODE = {"src": "hda", "id": A}


@pytest.mark.parametrize(
    "shape", [CODE, [CODE], {"values": [CODE]}, {"id": A}, {**CODE, "uuid": "x", "hid": 3}]
)
def test_a_dataset_in_each_of_galaxys_shapes(shape):
    assert parse_inputs({"select_file": shape}).select_file.id == A


def test_nested_flat_and_mixed_keys_mean_the_same():
    nested = {"section": {"select_file": CODE, "ml_h5_datasets": [CODE], "ml_h5_dataset_paths": "a"}}
    flat = {"section|select_file": CODE, "section|ml_h5_datasets": CODE, "section|ml_h5_dataset_paths": ["a"]}
    assert parse_inputs(nested) == parse_inputs(flat)


def test_a_repeat_in_flat_keys():
    parsed = parse_inputs(
        {
            "select_file": CODE,
            "inputs_1|path": "b",
            "inputs_1|dataset": {"src": "hda", "id": B},
            "inputs_0|path": "a",
            "inputs_0|src": "hda",
            "inputs_0|id": A,
        }
    )
    assert [(file.path, file.id) for file in parsed.files()] == [("a", A), ("b", B)]


def test_parameters_as_object_text_and_flat_keys():
    wanted = {"epochs": 3, "name": "x|y"}
    assert parse_inputs({"select_file": CODE, "parameters": wanted}).parameters == wanted
    assert (
        parse_inputs({"select_file": CODE, "parameters": '{"epochs": 3, "name": "x|y"}'}).parameters == wanted
    )
    flat = {"select_file": CODE, "parameters|epochs": 3, "parameters|name": "x|y"}
    assert parse_inputs(flat).parameters == wanted


def test_empty_texts_mean_not_given():
    names = ("flavor", "cpus", "memory", "gpus", "time_limit", "network", "kernel", "name", "submission_id")
    empty = parse_inputs(
        {"select_file": CODE, **dict.fromkeys(names, ""), "ml_h5_datasets": None, "parameters": ""}
    )
    assert empty == parse_inputs({"select_file": CODE})


def test_numbers_as_galaxys_forms_send_them():
    parsed = parse_inputs(
        {"select_file": CODE, "cpus": "2.5", "memory": "8G", "gpus": "1", "time_limit": "60"}
    )
    assert (parsed.cpus, parsed.memory, parsed.gpus, parsed.time_limit) == (2.5, 8 * 2**30, 1, 60.0)


def test_what_galaxy_adds_by_itself_is_passed_over():
    assert parse_inputs({"select_file": CODE, "__current_case__": 0, "dbkey": "?", "chromInfo": "x"})


def test_the_originals_three_parameters():
    parsed = parse_inputs(
        {
            "select_file": CODE,
            "ml_h5_datasets": [{"src": "hda", "id": B}],
            "ml_h5_dataset_paths": " ./data/x.h5 ",
        }
    )
    assert [(file.path, file.id) for file in parsed.files()] == [("data/x.h5", B)]


def test_several_faults_are_told_at_once():
    with pytest.raises(BadRequestError) as refused:
        parse_inputs({"cpus": -1, "gpu": 1})
    text = str(refused.value)
    assert "select_file is missing" in text
    assert "gpu is not an input of this tool" in text
    assert "cpus: Input should be greater than 0" in text


@given(st.text(max_size=300))
def test_a_path_that_is_accepted_stays_in_the_working_directory(text: str):
    try:
        path = clean_path(text)
    except BadRequestError:
        return
    assert not path.startswith("/")
    assert ".." not in path.split("/")
    assert path
    assert "\0" not in path
    assert clean_path(path) == path


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
known = st.sampled_from(
    ["select_file", "ml_h5_datasets", "inputs", "parameters", "cpus", "inputs_0|path", "x|select_file"]
)


@given(st.dictionaries(known | st.text(max_size=12), json_values, max_size=6))
def test_whatever_json_is_sent_is_parsed_or_refused(raw):
    with suppress(BadRequestError):
        parse_inputs(raw).files()


def test_paths_that_collide():
    check_paths_differ(["a", "b/c", "b/d", "ab"])
    with pytest.raises(BadRequestError, match="Two inputs have the path 'a'"):
        check_paths_differ(["a", "a"])
    with pytest.raises(BadRequestError, match="'b' is an input and also the directory of the input 'b/c/d'"):
        check_paths_differ(["b/c/d", "b"])
