"""The administrators' examples name only what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml

GALAXY = Path(__file__).parents[3] / "galaxy"
IDS = {
    str(ElementTree.parse(path).getroot().get("id")) for path in GALAXY.glob("*.xml") if path.stem != "macros"
}


def example(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((GALAXY / "examples" / name).read_text()))


def test_job_conf() -> None:
    content = example("job_conf.yml")
    environments = content["execution"]["environments"]
    assert {one["id"] for one in content["tools"]} == IDS == {"run_jupyter_job", "interactive_tool_perijove"}
    assert {one["environment"] for one in content["tools"]} <= set(environments)
    for name, one in environments.items():
        assert one["runner"] in {*content["runners"], "dynamic"}
        if name.startswith("perijove"):
            assert one["require_container"] is True
            assert bool(one.get("docker_enabled")) != bool(one.get("singularity_enabled"))


def test_tpv() -> None:
    content = example("tpv.yml")
    assert set(content["tools"]) == IDS | {"default"}
    assert content["destinations"]["default"]["params"]["require_container"] is True
