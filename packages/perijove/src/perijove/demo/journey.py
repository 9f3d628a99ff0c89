"""The steps of the demo, in order."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from perijove.core.errors import ConflictError, EngineError, PerijoveError
from perijove.core.settings import Settings
from perijove.demo import galaxy, outside, report
from perijove.demo.browser import Browser
from perijove.demo.galaxy import Galaxy
from perijove.demo.kernel import Outputs, run_cells
from perijove.demo.lab import Lab
from perijove.demo.notebook import Cell, code_cells
from perijove.demo.steps import Steps
from perijove.hub.client import HubClient

FOLDER = "notebooks/ct-segmentation"  # where a new home has its copy
FETCH, REMOTE = "1_fetch_data.ipynb", "3_train_remotely.ipynb"
HISTORY = "perijove demo"
UNTIL_SENT = ("parameters", "injected-parameters", "imports", "send")
ONNX_LIMIT, COMPARE_LIMIT = 1e-4, 1e-3
QUICK = {"n_filters": 4, "epochs": 3}
QUICK_PHANTOM = {"patients": [4, 2, 2], "slices": 6}


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for on the command line."""

    data: Path | None = None
    epochs: int | None = None
    quick: bool = False
    compare: bool = False
    keep: bool = True
    folder: Path = Path("report")

    @property
    def training(self) -> dict[str, Any]:
        """Parameters of the training notebook."""
        return {**(QUICK if self.quick else {}), **({"epochs": self.epochs} if self.epochs else {})}

    @property
    def fetching(self) -> dict[str, Any]:
        """Parameters of the notebook that fetches the data."""
        if self.data is not None:
            return {"source": outside.DATA}
        return {"source": "phantom", **(QUICK_PHANTOM if self.quick else {})}


@dataclass(frozen=True, kw_only=True)
class Person:
    """The demo's own user, in front of a running platform."""

    name: str
    password: SecretStr
    browser: Browser
    lab: Lab
    galaxy: Galaxy


def run(settings: Settings, options: Options, console: Console) -> report.Findings:
    """Go the whole way and write the report. DemoError names the step that failed."""
    steps = Steps(console)
    with steps("find the platform"):
        find_platform(settings, steps)
    person = new_person(settings, steps)
    try:
        findings = visits(settings, person, options, steps)
    except BaseException:
        with suppress(PerijoveError):  # the first failure is the one to tell
            leave(settings, person, options, steps)
        raise
    leave(settings, person, options, steps)
    with steps("write the report"):
        page = report.write(findings, options.folder)
    console.print(score_table(findings))
    steps.note(f"report: {page}")
    return findings


def visits(settings: Settings, person: Person, options: Options, steps: Steps) -> report.Findings:
    """Both visits to the lab, the time between them, and the comparison where it is wanted."""
    job_id = first_visit(settings, person, options, steps)
    with steps("wait for the job, the lab being closed"):
        job = wait(person.galaxy, job_id, steps.console)
    findings, taken = second_visit(person, options, job, steps)
    if not options.compare:
        return findings
    with steps("train and predict outside, with a plain script"):
        return compared(settings, options, findings, taken)


def find_platform(settings: Settings, steps: Steps) -> None:
    """Make sure that one runs: where none does, start it in the background."""
    if answers(settings.url):
        return
    steps.note("No platform runs: starting one (it goes on after the demo; `perijove down` stops it).")
    done = subprocess.run([sys.executable, "-m", "perijove.cli", "up", "--detach"], check=False)
    if done.returncode:
        raise EngineError("`perijove up --detach` failed.", advice="Run `perijove doctor`.")
    deadline = time.monotonic() + 60
    while not answers(settings.url):
        if time.monotonic() > deadline:
            raise EngineError(f"Nothing answers at {settings.url}.", advice="Run `perijove status`.")
        time.sleep(0.5)


def answers(url: str) -> bool:
    """Whether a hub answers there."""
    try:
        return requests.get(f"{url}/hub/health", timeout=5).ok
    except requests.RequestException:
        return False


def new_person(settings: Settings, steps: Steps) -> Person:
    """Sign up, be approved, sign in, make an API key."""
    name, password = f"demo-{secrets.token_hex(4)}", SecretStr(secrets.token_urlsafe(24))
    browser = Browser(settings.url)
    with steps(f"sign up as {name}"):
        browser.sign_up(name, password)
    with steps("be approved by an administrator"):
        HubClient(settings).approve(name)
    with steps("sign in"):
        browser.sign_in(name, password)
        token = browser.new_token(name, "perijove demo")
    lab = Lab(url=settings.url, name=name, token=token)
    return Person(
        name=name,
        password=password,
        browser=browser,
        lab=lab,
        galaxy=Galaxy(url=settings.galaxy_url, token=token),
    )


def open_lab(person: Person, steps: Steps, name: str) -> None:
    """Choose the first flavor that is free and wait for the lab."""
    with steps(name):
        free = [choice.name for choice in person.browser.choices() if choice.free]
        if not free:
            raise ConflictError(
                "No flavor is free.", advice="Stop a lab or wait for a job; `perijove status` lists them."
            )
        person.browser.start_lab(free[0])
        person.lab.wait_until_ready(lambda message: None)
        steps.note(f"flavor: {free[0]}")


@contextmanager
def lab_open(person: Person, steps: Steps, opening: str) -> Iterator[Lab]:
    """The lab, closed afterwards."""
    open_lab(person, steps, opening)
    yield person.lab
    with steps("close the lab"):
        person.lab.stop()


def first_visit(settings: Settings, person: Person, options: Options, steps: Steps) -> str:
    """Open the lab, bring or draw the data, send the training away, close the lab: the job's id."""
    with lab_open(person, steps, "choose a flavor and open the lab") as lab:
        if options.data is not None:
            with steps(f"upload {options.data.name} into the lab"):
                lab.upload(options.data, f"{FOLDER}/{outside.DATA}")
        with steps(f"run {FETCH} in the lab"):
            run_notebook(lab, FETCH, options.fetching)
        with steps("submit the training from the lab"):
            return send(settings, lab, options)


def run_notebook(
    lab: Lab, name: str, parameters: dict[str, Any], keep: Callable[[Cell], bool] = lambda cell: True
) -> dict[str, Outputs]:
    """Run a notebook of the lab's home in a kernel of its own: what its cells showed, by id."""
    path = f"{FOLDER}/{name}"
    cells = [cell for cell in code_cells(lab.notebook(path), parameters) if keep(cell)]
    with lab.session(path) as kernel:
        return run_cells(lab, kernel, cells)


def send(settings: Settings, lab: Lab, options: Options) -> str:
    """The cells of the remote-training notebook up to `send`, as somebody who closes the tab then."""
    parameters = {"parameters": options.training, "resources": resources(settings), "history": HISTORY}
    shown = run_notebook(lab, REMOTE, parameters, lambda cell: cell.id in UNTIL_SENT)
    for line in shown["send"].text.splitlines():
        if line.startswith("job "):
            return line.removeprefix("job ").strip()
    raise EngineError("The notebook did not say which job it sent.", advice=shown["send"].text[-300:])


def resources(settings: Settings) -> dict[str, Any]:
    """Two CPUs, where the machine has as many to give."""
    granted = settings.machine.cpus or float(os.cpu_count() or 1)
    return {"cpus": min(2.0, granted), "memory": "6G"}


def wait(service: Galaxy, job_id: str, console: Console) -> dict[str, Any]:
    """The job's details, once it has ended well; a progress bar meanwhile."""
    columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(f"job {job_id}", total=None)

        def show(job: dict[str, Any]) -> None:
            known = galaxy.percent(job)
            total = None if known is None else 100
            progress.update(task, description=galaxy.standing(job), completed=known or 0, total=total)

        return service.wait(job_id, show)


def second_visit(
    person: Person, options: Options, job: dict[str, Any], steps: Steps
) -> tuple[report.Findings, dict[str, bytes]]:
    """Open the lab again, fetch the model, predict, measure, close: findings, and files to compare with."""
    with steps("fetch the job's report and files from the history"):
        difference = onnx_difference(person.galaxy.report(job))
        training = person.galaxy.element(job, "files", "training.png")
    with lab_open(person, steps, "open the lab again") as lab:
        with steps("fetch the ONNX model in the lab"):
            run_notebook(lab, REMOTE, {"job_id": str(job["id"])})
        with steps("predict the masks of the test patients, and measure"):
            run_notebook(lab, outside.PREDICT, {})
            scores = json.loads(lab.download(f"{FOLDER}/outputs/scores.json"))
            picture = lab.download(f"{FOLDER}/outputs/predictions.png")
        wanted = outside.FILES if options.compare else ()
        taken = {name: lab.download(f"{FOLDER}/{name}") for name in wanted}
    findings = report.Findings(
        user=person.name,
        data=options.data.name if options.data else "phantom",
        parameters=options.training,
        job=job,
        scores=scores,
        onnx_difference=difference,
        compared=None,
        times=steps.times,
        pictures={"predictions.png": picture, "training.png": training},
    )
    return findings, taken


def compared(
    settings: Settings, options: Options, findings: report.Findings, taken: dict[str, bytes]
) -> report.Findings:
    """The findings with the largest difference to a plain script's. EngineError over the limit."""
    python = settings.layout.environments / settings.jobs.environment / "bin" / "python"
    rows = outside.scores_outside(python, taken, options.training)
    difference = outside.largest_difference(findings.scores, rows)
    if difference > COMPARE_LIMIT:
        raise EngineError(f"The figures differ by {difference:.1e}, more than {COMPARE_LIMIT:.0e}.")
    return replace(findings, compared=difference)


def onnx_difference(job_report: dict[str, Any]) -> float:
    """The largest difference of ONNX and Keras. EngineError over the limit, or where nothing was compared."""
    differences = [model.get("max_difference") for model in job_report.get("models", ())]
    if not differences or any(one is None for one in differences):
        raise EngineError("The job's report says nothing about the ONNX model's differences.")
    worst = max(float(one) for one in differences if one is not None)
    if worst > ONNX_LIMIT:
        raise EngineError(f"ONNX and Keras differ by {worst:.1e}, more than {ONNX_LIMIT:.0e}.")
    return worst


def leave(settings: Settings, person: Person, options: Options, steps: Steps) -> None:
    """Close the lab where a failure left it open; remove the user and its data where that was asked for."""
    with steps("leave"):
        if person.lab.running():
            person.lab.stop()
        if options.keep:
            steps.note(f"The user {person.name} and the history “{HISTORY}” stay; --remove takes them away.")
            return
        person.galaxy.purge_histories()
        HubClient(settings).delete_user(person.name)
        steps.note(f"Account and histories are gone; what is left is {settings.layout.homes / person.name}.")


def score_table(findings: report.Findings) -> Table:
    """The scores, for the terminal."""
    table = Table(*report.columns())
    for row in findings.scores:
        table.add_row(*report.cells(row))
    return table
