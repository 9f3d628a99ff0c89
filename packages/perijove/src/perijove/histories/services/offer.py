"""What sizes of job a user may ask for: the flavors on offer, and what the machine has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from perijove.core.errors import BadRequestError
from perijove.core.flavors import Flavor
from perijove.core.resources import Resources
from perijove.histories.context import Account
from perijove.histories.services.job_inputs import JobInputs


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What this installation grants to jobs. `network`: the most open policy there is; `environments`: the
    optional ones that are installed.

    Where an administrator has set flavors (`only_flavors`), amounts given freely must fit in one of them.
    """

    flavors: tuple[Flavor, ...]
    total: Resources
    network: Literal["open", "none"] = "open"
    only_flavors: bool = False
    environments: frozenset[str] = frozenset()

    def allowed(self, account: Account) -> tuple[Flavor, ...]:
        """The flavors that `account` may use."""
        groups = set(account.groups)
        return tuple(flavor for flavor in self.flavors if flavor.allows(groups, admin=account.admin))

    def resources(self, inputs: JobInputs, account: Account) -> Resources:
        """What the job shall get: its flavor, or the amounts given (missing ones: the first flavor's).

        BadRequestError for a flavor that is unknown or forbidden, and for more than there is.
        """
        allowed = self.allowed(account)
        wanted = (
            self._flavor(inputs.flavor, allowed).resources if inputs.flavor else _amounts(inputs, allowed)
        )
        if inputs.flavor and _given(inputs):
            raise BadRequestError(
                f"A flavor and {', '.join(_given(inputs))} were given.",
                advice="Give a flavor or amounts, not both.",
            )
        self._check(wanted, allowed)
        return wanted

    def network_for(self, inputs: JobInputs) -> Literal["open", "none"]:
        """The job's network policy. BadRequestError where it asks for more than is granted."""
        if inputs.network == "open" and self.network == "none":
            raise BadRequestError(
                "Jobs of this installation have no network.", advice='Leave out network="open".'
            )
        return inputs.network or self.network

    def _flavor(self, name: str, allowed: tuple[Flavor, ...]) -> Flavor:
        for flavor in allowed:
            if flavor.name == name:
                return flavor
        names = ", ".join(flavor.name for flavor in allowed)
        known = any(flavor.name == name for flavor in self.flavors)
        problem = "is not open to you" if known else "does not exist"
        raise BadRequestError(
            f"The flavor {name[:100]!r} {problem}.", advice=f"You may use: {names or 'none'}."
        )

    def _check(self, wanted: Resources, allowed: tuple[Flavor, ...]) -> None:
        if not wanted.fits_in(self.total):
            raise BadRequestError(
                f"The job asks for {wanted}; this machine has {self.total}.", advice="Ask for less."
            )
        if self.only_flavors and not any(wanted.fits_in(flavor.resources) for flavor in allowed):
            sizes = "; ".join(f"{flavor.name} ({flavor.resources})" for flavor in allowed)
            raise BadRequestError(
                f"The job asks for {wanted}, more than any flavor open to you.",
                advice=f"There are: {sizes or 'none'}.",
            )


def _given(inputs: JobInputs) -> list[str]:
    return [name for name in ("cpus", "memory", "gpus") if getattr(inputs, name) is not None]


def _amounts(inputs: JobInputs, allowed: tuple[Flavor, ...]) -> Resources:
    base = allowed[0].resources if allowed else Resources()
    if not _given(inputs):
        return base
    return Resources(
        cpus=base.cpus if inputs.cpus is None else inputs.cpus,
        memory=base.memory if inputs.memory is None else inputs.memory,
        gpus=inputs.gpus or 0,
    )
