"""The application: parts put together, started and stopped."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from perijove import __version__
from perijove.core.settings import Settings
from perijove.engines.base import Engine
from perijove.histories.context import Context
from perijove.histories.database import Database, database_url
from perijove.histories.errors import install_error_handlers
from perijove.histories.housekeeping import Housekeeper
from perijove.histories.identity import Identity
from perijove.histories.inspection.inspector import Inspector
from perijove.histories.middleware import Guard
from perijove.histories.routers import (
    archives,
    changes,
    contents,
    datasets,
    galaxy_link,
    histories,
    jobs,
    notebook_pages,
    pages,
    server,
    tools,
    uploads,
    workflows,
)
from perijove.histories.services.changes import Changes
from perijove.histories.services.job_runtime import Jobs
from perijove.histories.services.no_jobs import NoJobs
from perijove.histories.store.files import FileStore
from perijove.sandbox.launcher import Launcher

log = logging.getLogger("perijove.histories")


class _Worker(Protocol):
    """Something that works in the background while the server runs."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, and return when it has ended."""


def create_app(
    settings: Settings,
    *,
    identity: Identity,
    engine: Engine | None = None,
    launcher: Launcher | None = None,
    prefix: str = "",
) -> FastAPI:
    """The history server, ready for an ASGI server, served under the path `prefix` (`/services/galaxy`).

    Without an engine and a launcher, jobs are refused and everything else works. Nothing on the disk is
    touched before the application starts (its lifespan): then directories are made, the database migrated.
    """
    database = Database(database_url(settings))
    context = Context(
        settings=settings,
        database=database,
        changes=Changes(database),
        files=FileStore(settings.layout.datasets, settings.layout.uploads),
        identity=identity,
        engine=engine,
        launcher=launcher,
    )
    app = FastAPI(
        title="Perijove history server",
        description="Galaxy's REST API for histories, datasets and jobs.",
        version=__version__,
        lifespan=_lifespan(context),
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.context = context
    app.state.jobs = _jobs(context)
    install_error_handlers(app)
    app.add_middleware(Guard, prefix=prefix.rstrip("/"))
    for router in (
        galaxy_link.router,
        server.router,
        archives.router,
        histories.router,
        contents.router,
        datasets.router,
        uploads.router,
        uploads.resumable,
        jobs.router,
        changes.router,
        tools.router,
        workflows.router,
        pages.router,
        notebook_pages.router,
        notebook_pages.visits,
    ):
        app.include_router(router)
    return app


def _jobs(context: Context) -> Jobs | NoJobs:
    if context.engine is None or context.launcher is None:
        return NoJobs(context.settings)
    return Jobs(
        settings=context.settings,
        database=context.database,
        files=context.files,
        engine=context.engine,
        launcher=context.launcher,
        tell=context.changes.job_changed,
    )


def _lifespan(context: Context) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        start(context)
        workers: list[_Worker] = [Housekeeper(context), Inspector(context)]
        if isinstance(app.state.jobs, Jobs):
            workers.append(app.state.jobs)
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            for worker in reversed(workers):
                await run_in_threadpool(worker.stop)
            context.database.dispose()

    return lifespan


def start(context: Context) -> None:
    """Make what is missing on the disk and in the database."""
    context.files.prepare()
    context.database.migrate()
