"""A pipeline of notebooks: nodes that run after one another and hand files on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Node:
    """A notebook or script. Paths are relative to its working directory, as its code names them.

    `files`: what it reads that lies beside it, path to the file's name below the pipeline's folder.
    `outputs`: what it writes that others may read. `after`: the keys of the nodes that must have ended.
    """

    key: str
    label: str
    code: str
    files: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    """`cpus`, `memory` (such as 16G), `gpus`, `time_limit`, `kernel`."""

    doc: str = ""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """Nodes in an order in which they can run. `remarks`: what of the file is not taken over, for people."""

    name: str
    nodes: tuple[Node, ...]
    doc: str = ""
    remarks: tuple[str, ...] = ()
