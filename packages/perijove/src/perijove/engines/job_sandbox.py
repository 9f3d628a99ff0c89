"""What a job's process gets: the job directory (docs/reference/job-contract.md) as a `SandboxSpec`."""

from __future__ import annotations

import math
from pathlib import Path

from perijove.core.settings import Settings
from perijove.engines.base import EngineJob, JobView
from perijove.sandbox.spec import Account, Mount, SandboxSpec

INSIDE = Path("/job")
"""The job directory as a confined job sees it."""

LAB_HOME = Path("/home/jovyan")
"""The owner's home as a confined lab sees it: their packages were installed under this path."""

_RUNNER = "perijove_lab.runner"
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


def job_sandbox(job: EngineJob, settings: Settings, *, account: Account, view: JobView) -> SandboxSpec:
    """The process of `job`: the runner in the jobs' environment, and nothing of the host but the job's own.

    Of the owner's home it sees only the packages that the owner installed, read-only. No token goes in.
    """
    return SandboxSpec(
        id=job.id,
        kind="job",
        owner=job.owner,
        uid=account.uid,
        gid=account.gid,
        argv=job_argv(job, settings, account=account, view=view),
        env=job_environment(job, settings, account=account, view=view),
        cwd=view.root / "work",
        mounts=(
            *_directory_mounts(job),
            *_environment_mounts(job, settings),
            _packages_mount(job, settings, account),
        ),
        resources=job.resources,
        processes=settings.sandbox.processes,
        tmp_size=settings.sandbox.tmp_size,
        network=job.network,
        log=job.directory / "log",
        time_limit=job.time_limit,
    )


def job_argv(job: EngineJob, settings: Settings, *, account: Account, view: JobView) -> tuple[str, ...]:
    """The runner, over the packages that the owner has installed (perijove_lab.kernel: `run`)."""
    home = LAB_HOME if view.root == INSIDE else account.home
    python = (str(job_python(job, settings)), "-P", "-m", "perijove_lab.kernel", "run", "--home", str(home))
    return (*python, "--", "-m", _RUNNER, str(view.root / "job.json"))


def job_python(job: EngineJob, settings: Settings) -> Path:
    """The interpreter that runs the job."""
    return _environment(job, settings) / "bin" / "python"


def _environment(job: EngineJob, settings: Settings) -> Path:
    return settings.layout.environments / (job.environment or settings.jobs.environment)


def job_environment(job: EngineJob, settings: Settings, *, account: Account, view: JobView) -> dict[str, str]:
    """The variables of a job. Libraries are told the CPUs granted, since they would count the machine's."""
    threads = str(max(1, math.ceil(job.resources.cpus)))
    python = job_python(job, settings)
    return {
        "HOME": str(view.root / "work"),
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "VIRTUAL_ENV": str(python.parent.parent),
        "PYTHONUNBUFFERED": "1",
        "PERIJOVE_JOB_ID": job.id,
        "PERIJOVE_WEIGHTS": str(settings.layout.weights),
        "PERIJOVE_CPUS": f"{job.resources.cpus:g}",
        "PERIJOVE_MEMORY": str(job.resources.memory),
        **dict.fromkeys(_THREAD_VARIABLES, threads),
    }


def _directory_mounts(job: EngineJob) -> list[Mount]:
    mounts = [Mount(source=job.directory / name, target=INSIDE / name) for name in ("job.json", "code")]
    mounts += [
        Mount(source=job.directory / name, target=INSIDE / name, writable=True) for name in ("work", "out")
    ]
    inputs = enumerate(job.inputs)
    return mounts + [Mount(source=one.source, target=INSIDE / "inputs" / str(index)) for index, one in inputs]


def _environment_mounts(job: EngineJob, settings: Settings) -> list[Mount]:
    environment = _environment(job, settings)
    weights = settings.layout.weights
    return [
        Mount(source=environment, target=environment),
        Mount(source=weights, target=weights, optional=True),
    ]


def _packages_mount(job: EngineJob, settings: Settings, account: Account) -> Mount:
    folder = Path(".perijove", "envs", _environment(job, settings).name)
    return Mount(source=account.home / folder, target=LAB_HOME / folder, optional=True)
