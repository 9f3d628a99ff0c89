"""`run_script_job` as the original has it, except that the code is sent as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perijove_lab.client.connection import connect
from perijove_lab.client.errors import JobFailedError
from perijove_lab.client.jobs import Job
from perijove_lab.client.submission import Request, code_file, input_map, job_id, send


def run(
    script_path: str | Path,
    paths: Sequence[str],
    server: str | None,
    key: str | None,
    new_history_name: str,
    tool_name: str,
) -> dict[str, Any]:
    """See `api.run_script_job`. A job that fails is told, not raised, as in the original."""
    request = Request(
        code=code_file(script_path),
        inputs=input_map(list(paths)),
        history=new_history_name,
        tool=tool_name,
        basic=True,
    )
    connection = connect(server, key)
    answer = send(connection, request, new_history=True, told=print)
    job = Job(connection, job_id(answer, tool_name))
    try:
        job.wait()
        print("Executed code")
    except JobFailedError as error:
        print(f"An error occurred: {error}")
    return {"job_client": connection.gi.jobs, "e_job": answer}
