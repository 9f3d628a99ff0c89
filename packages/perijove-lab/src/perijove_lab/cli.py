"""`perijove-lab`: what a terminal of the lab, or a machine without one, can do without a notebook.

    perijove-lab pipeline run train.pipeline [--rerun] [--history NAME] [--detach]
    perijove-lab pipeline status train.pipeline

The server and the key are those of the lab: GALAXY_URL and API_KEY. Exit codes: 0 all well, 1 a node failed
(or the pipeline was cancelled), 2 it cannot be run as it is, 130 you have stopped waiting and it goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perijove_lab.client.pipelines import PipelineRun


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit code."""
    given = _parser().parse_args(arguments)
    from perijove_lab.client.errors import JobFailedError, LabError, StoppedWaiting

    try:
        return int(given.act(given))
    except StoppedWaiting as stop:
        _say(str(stop))
        return 130
    except JobFailedError as error:
        _say(str(error))
        return 1
    except LabError as error:
        _say(str(error))
        return 2


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perijove-lab", description="What a lab can do without a notebook.")
    pipeline = parser.add_subparsers(required=True).add_parser("pipeline", help="Pipelines of notebooks.")
    commands = pipeline.add_subparsers(required=True)
    run = commands.add_parser("run", help="Run a pipeline remotely: each node a job.")
    run.add_argument("file", type=Path, help="A pipeline as Elyra saves it (….pipeline).")
    run.add_argument(
        "--rerun", action="store_true", help="Run on: without the nodes that are done and unchanged."
    )
    run.add_argument("--history", help="The history that the outputs enter, by name or id.")
    run.add_argument("--detach", action="store_true", help="Do not wait.")
    run.set_defaults(act=_run)
    status = commands.add_parser("status", help="Show how the last run of a pipeline stands.")
    status.add_argument("file", type=Path)
    status.set_defaults(act=_status)
    cancel = commands.add_parser("cancel", help="End the last run of a pipeline.")
    cancel.add_argument("file", type=Path)
    cancel.set_defaults(act=_cancel)
    return parser


def _run(given: argparse.Namespace) -> int:
    from perijove_lab.client.connection import connect
    from perijove_lab.client.pipelines import send_pipeline

    run = send_pipeline(connect(), given.file, history=given.history, rerun=given.rerun)
    _say(f"{given.file.name} is run {run.id}.")
    if not given.detach:
        run.wait()
    return 0


def _status(given: argparse.Namespace) -> int:
    from perijove_lab.client.pipeline_board import lines
    from perijove_lab.client.pipeline_nodes import whole_state

    nodes = _last(given.file).nodes()
    print("\n".join(lines(nodes)))
    return 0 if whole_state(nodes) in ("ok", "running") else 1


def _cancel(given: argparse.Namespace) -> int:
    _last(given.file).cancel()
    return 0


def _last(file: Path) -> PipelineRun:
    from perijove_lab.client.connection import connect
    from perijove_lab.client.pipelines import last_run

    return last_run(connect(), file)


if __name__ == "__main__":
    sys.exit(main())
