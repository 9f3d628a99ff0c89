"""Where a job is to run, and what it may ask for there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from perijove.core.errors import BadRequestError
from perijove.core.resources import Resources
from perijove.engines.galaxy import HOW_TO_LINK
from perijove.histories.context import Account
from perijove.histories.services.job_inputs import JobInputs
from perijove.histories.services.offer import Offer

ENGINES = ("local", "galaxy")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The engine (None: this machine's), what the job gets here, and what its engine must know of it."""

    engine: str | None = None
    resources: Resources | None = None
    network: Literal["open", "none"] | None = None
    spec: dict[str, Any] = field(default_factory=dict)
    environments: frozenset[str] = frozenset()
    """Optional environments that it may run in."""


def choose_engine(
    inputs: JobInputs, offer: Offer, account: Account, linked: Callable[[str], object]
) -> Chosen:
    """What `inputs` ask for. BadRequestError for what there is not, or not for this account."""
    if inputs.engine in (None, "local"):
        return Chosen(
            resources=offer.resources(inputs, account),
            network=offer.network_for(inputs),
            environments=offer.environments,
        )
    if inputs.engine != "galaxy":
        raise BadRequestError(
            f"There is no engine {inputs.engine!r}.", advice=f"There are: {', '.join(ENGINES)}."
        )
    if not linked(account.name):
        raise BadRequestError(
            "You have no Galaxy account linked.",
            advice=f"{HOW_TO_LINK} Then send the job again.",
        )
    return _on_galaxy(inputs)


def _on_galaxy(inputs: JobInputs) -> Chosen:
    """Amounts are that Galaxy's to grant; what it cannot keep is refused rather than dropped."""
    for name in ("flavor", "network"):
        if getattr(inputs, name) is not None:
            raise BadRequestError(
                f"A job on a Galaxy takes no {name}: its administrator decides.",
                advice="Leave it out; cpus, memory and gpus may be given.",
            )
    given = {name: getattr(inputs, name) for name in ("cpus", "gpus") if getattr(inputs, name) is not None}
    if inputs.memory is not None:
        given["memory"] = f"{inputs.memory}B"
    if inputs.name:
        given["name"] = inputs.name
    return Chosen(engine="galaxy", spec={"asked": given})
