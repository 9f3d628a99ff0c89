"""What runs beside the notebook: the client of histories and jobs, the kernel's start, the job runner.

Imports nothing of `perijove`, and nothing heavy until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from perijove_lab.client.api import (
        get,
        job,
        jobs,
        load_arrays,
        load_model,
        pipeline_run,
        put,
        run_pipeline,
        run_script_job,
        submit,
    )
    from perijove_lab.runner.progress import report as progress  # noqa: F401

__version__ = "0.1.0"

__all__ = [
    "get",
    "job",
    "jobs",
    "load_arrays",
    "load_model",
    "pipeline_run",
    "put",
    "run_pipeline",
    "run_script_job",
    "submit",
]


def __getattr__(name: str) -> Any:
    """The client's functions, and `progress` for code in a job; imported when first asked for."""
    if name == "progress":
        from perijove_lab.runner.progress import report

        return report
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import perijove_lab.client.api as api

    return getattr(api, name)
