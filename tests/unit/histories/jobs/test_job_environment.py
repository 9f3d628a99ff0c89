"""A job runs in the environment of the kernel that it, or its notebook, names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perijove.core.errors import BadRequestError
from perijove.core.resources import Resources
from perijove.core.settings import Settings
from perijove.engines.base import EngineJob, JobView
from perijove.engines.job_sandbox import job_sandbox
from perijove.histories.services.code_check import notebook_kernel
from perijove.histories.services.job_environment import environment_for
from perijove.sandbox.spec import Account


@pytest.mark.parametrize(
    ("asked", "notebook", "environment"),
    [
        (None, "", ""),
        (None, "python3", ""),
        (None, "colabfold", "colabfold"),
        ("colabfold", "python3", "colabfold"),
        ("python3", "colabfold", ""),
        ("some-kernel-of-theirs", "", ""),
    ],
)
def test_which_environment(asked: str | None, notebook: str, environment: str):
    assert environment_for(asked, notebook, {"colabfold"}) == environment


def test_one_that_is_not_installed_is_refused():
    with pytest.raises(BadRequestError, match="ColabFold is not installed here"):
        environment_for(None, "colabfold", set())
    assert environment_for(None, "colabfold", set(), on_galaxy=True) == ""


@pytest.mark.parametrize(
    ("metadata", "kernel"),
    [
        ({"kernelspec": {"name": "colabfold"}}, "colabfold"),
        ({"kernelspec": {"name": 3}}, ""),
        ({"kernelspec": "colabfold"}, ""),
        ([], ""),
        ({}, ""),
    ],
)
def test_the_kernel_that_a_notebook_names(metadata: object, kernel: str):
    assert notebook_kernel(json.dumps({"nbformat": 4, "metadata": metadata}).encode(), "notebook") == kernel
    assert notebook_kernel(b"import os", "script") == ""


def sandbox_of(environment: str) -> object:
    job = EngineJob(
        id="a1", owner="ada", directory=Path("/srv/pj/jobs/a1"), submitted=0.0, environment=environment,
        resources=Resources(),
    )  # fmt: skip
    account = Account(name="ada", uid=7, gid=7, home=Path("/srv/pj/homes/ada"))
    return job_sandbox(job, Settings(home=Path("/srv/pj")), account=account, view=JobView(root=Path("/job")))


@pytest.mark.parametrize(("asked", "used"), [("", "ai"), ("colabfold", "colabfold")])
def test_a_job_sees_its_environment_and_no_other(asked: str, used: str):
    sandbox = sandbox_of(asked)
    assert sandbox.argv[0] == f"/srv/pj/envs/{used}/bin/python"
    assert sandbox.env["VIRTUAL_ENV"] == f"/srv/pj/envs/{used}"
    seen = {str(mount.source) for mount in sandbox.mounts}
    assert {path for path in seen if path.startswith("/srv/pj/envs/")} == {
        f"/srv/pj/envs/{used}",
        "/srv/pj/envs/share/weights",
    }
    assert f"/srv/pj/homes/ada/.perijove/envs/{used}" in seen
