"""The files that a Galaxy is started with."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

ADMIN = "admin@example.org"
MARK = "PERIJOVE_REAL_GALAXY"
UPLOAD = "data_source/upload.xml"


@dataclass(frozen=True, kw_only=True)
class GalaxyOptions:
    """How a Galaxy for tests differs from the next one.

    `python` runs the tools' jobs (`PERIJOVE_PYTHON`), `sources` are put on its PYTHONPATH. `settings` are
    added to the section `galaxy` of `galaxy.yml`. Its database is a PostgreSQL of its own, or SQLite.
    """

    folder: Path
    port: int
    proxy_port: int
    python: Path
    postgresql: bool = False
    tools: Sequence[Path] = ()
    sources: Sequence[Path] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where Galaxy answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def config(self) -> Path:
        """The folder of the files written here."""
        return self.folder / "config"

    @property
    def data(self) -> Path:
        """Databases, datasets, job directories."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.folder / "logs"

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "postgresql"

    @property
    def sessions(self) -> Path:
        """What Galaxy tells the proxy of interactive tools."""
        return self.data / "interactivetools_map.sqlite"


def write_configuration(options: GalaxyOptions, *, admin_key: str, secret: str, database: str = "") -> Path:
    """Write all files; `galaxy.yml`, which names the others. `database`: its address, else SQLite."""
    for folder in (options.config, options.data, options.logs):
        folder.mkdir(parents=True, exist_ok=True)
    _write_json(options.config / "job_conf.yml", _jobs(options))
    _make_sessions(options.sessions)
    (options.config / "tool_conf.xml").write_text(_tools(options.tools))
    main = options.config / "galaxy.yml"
    settings = _settings(options, admin_key, secret)
    if database:
        settings["database_connection"] = database
    _write_json(main, {"galaxy": settings | dict(options.settings)})
    main.chmod(0o600)
    return main


_SESSIONS = """CREATE TABLE IF NOT EXISTS gxitproxy ("key" VARCHAR(16) NOT NULL, key_type TEXT NOT NULL,
token VARCHAR(32), host TEXT, port INTEGER, info TEXT, PRIMARY KEY ("key", key_type))"""


def _make_sessions(path: Path) -> None:
    """Galaxy 26.1 makes the table when the first lab opens: until then an interactive tool that is run in a
    workflow ends in an error, and the proxy gives up."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(_SESSIONS)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")  # JSON is YAML


def _settings(options: GalaxyOptions, admin_key: str, secret: str) -> dict[str, Any]:
    data, immediate = options.data, "isolation_level=IMMEDIATE"
    return {
        "config_dir": str(options.config),
        "data_dir": str(data),
        "database_connection": f"sqlite:///{data}/universe.sqlite?{immediate}",
        "admin_users": ADMIN,
        "bootstrap_admin_api_key": admin_key,
        "id_secret": secret,
        "tool_config_file": str(options.config / "tool_conf.xml"),
        "job_config_file": str(options.config / "job_conf.yml"),
        "galaxy_infrastructure_url": options.url,
        "conda_auto_init": False,
        # Without these two every job pays ten seconds of imports for its metadata.
        "enable_celery_tasks": True,
        "metadata_strategy": "directory_celery",
        "amqp_internal_connection": f"sqlalchemy+sqlite:///{data}/control.sqlite?{immediate}",
        # Else a dataset of a private history can be read by anybody who knows its id.
        "new_user_dataset_access_role_default_private": True,
        "enable_quotas": True,
        "interactivetools_enable": True,
        "interactivetools_upstream_proxy": False,
        "interactivetools_proxy_host": f"localhost:{options.proxy_port}",
        "interactivetools_map": str(options.sessions),
    }


def _jobs(options: GalaxyOptions) -> dict[str, Any]:
    """Everything runs here, as plain processes."""
    path = f"{options.python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    variables = {
        "PATH": path,
        "PERIJOVE_PYTHON": str(options.python),
        "PYTHONPATH": os.pathsep.join(map(str, options.sources)),
        **options.variables,
    }
    mark = {MARK: str(options.folder)}  # jobs do not get the variables of Galaxy itself
    runner = "galaxy.jobs.runners.local:LocalJobRunner"
    return {
        "runners": {"local": {"load": runner, "workers": 4}},
        "execution": {
            "default": "plain",
            "environments": {
                "plain": {"runner": "local", "env": _env(mark)},
                # Without the reporting Galaxy keeps a running job's progress from its owner.
                "perijove": {
                    "runner": "local",
                    "live_tool_output_reporting": True,
                    "env": _env(variables | mark),
                },
            },
        },
        "tools": [{"id": tool_id, "environment": "perijove"} for tool_id in OURS],
    }


def _env(variables: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items() if value]


OURS = ("run_jupyter_job", "interactive_tool_perijove")
_GALAXYS = (
    UPLOAD,
    "stats/filtering.xml",
    "filters/cutWrapper.xml",
    "filters/catWrapper.xml",
    "filters/headWrapper.xml",
    "filters/pasteWrapper.xml",
    "filters/randomlines.xml",
    "${model_tools_path}/extract_dataset.xml",
)


def _tools(tools: Sequence[Path]) -> str:
    """Upload and a few of Galaxy's own, as workflows and BioBlend's tests use them; then the given ones."""
    lines = [f"    <tool file={quoteattr(str(file))}/>" for file in [*_GALAXYS, *map(str, tools)]]
    opened = '<toolbox monitor="false">\n  <section id="tools" name="Tools">'
    return "\n".join([opened, *lines, "  </section>\n</toolbox>\n"])
