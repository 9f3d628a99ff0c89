"""Flavors on the start page: what may be chosen, what is free now, and who holds the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perijove.core.errors import BadRequestError, ForbiddenError, InsufficientResourcesError
from perijove.core.flavors import Flavor
from perijove.core.resources import Free, Resources
from perijove.sandbox.spec import SandboxStatus


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What there is, what is free and who holds the rest, at one moment."""

    total: Resources
    free: Free
    running: tuple[SandboxStatus, ...]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One flavor as a user sees it now."""

    flavor: Flavor
    free_now: bool
    chosen: bool
    why_not: str = ""

    @property
    def title(self) -> str:
        """What users read."""
        return self.flavor.title or self.flavor.name.capitalize()


def allowed_flavors(flavors: Iterable[Flavor], groups: set[str], *, admin: bool) -> list[Flavor]:
    """Those that a user of these groups may choose."""
    return [flavor for flavor in flavors if flavor.allows(groups, admin=admin)]


def choose_flavor(flavors: Sequence[Flavor], name: str | None, groups: set[str], *, admin: bool) -> Flavor:
    """The flavor of this name, or the first allowed where no name is given.

    BadRequestError for a name that does not exist, ForbiddenError for one kept to other groups.
    """
    allowed = allowed_flavors(flavors, groups, admin=admin)
    names = ", ".join(flavor.name for flavor in allowed)
    if not allowed:
        raise ForbiddenError(
            "No flavor is open to you.", advice="Ask an administrator which group you should be in."
        )
    if not name:
        return allowed[0]
    found = next((flavor for flavor in flavors if flavor.name == name), None)
    if found is None:
        raise BadRequestError(f"There is no flavor {name!r}.", advice=f"Choose one of: {names}.")
    if found not in allowed:
        groups_wanted = ", ".join(found.groups)
        raise ForbiddenError(
            f"The flavor {name} is kept to: {groups_wanted}.", advice=f"Choose one of: {names}."
        )
    return found


def offers(flavors: Sequence[Flavor], machine: Machine, last: str | None) -> list[Offer]:
    """The flavors as a user sees them now; `last` is what this lab had before."""
    free_ones = [flavor for flavor in flavors if flavor.resources.fits_in(machine.free)]
    names = [flavor.name for flavor in free_ones]
    chosen = last if last in names else next(iter(names), "")
    return [
        Offer(
            flavor=flavor,
            free_now=flavor in free_ones,
            chosen=flavor.name == chosen,
            why_not="" if flavor in free_ones else why_not(flavor.resources, machine),
        )
        for flavor in flavors
    ]


def why_not(wanted: Resources, machine: Machine) -> str:
    """Why this much cannot be had now, and who holds what is missing."""
    if not wanted.fits_in(machine.total):
        return f"More than this machine has to give ({machine.total})."
    lacking = list(_lacking(wanted, machine.free))
    holders = "; ".join(holding(status) for status in machine.running if _holds_any(status, lacking))
    return f"Not enough {' and '.join(lacking)} free now." + (f" Held by {holders}." if holders else "")


def holding(status: SandboxStatus) -> str:
    """Who holds how much: `ada: lab, 4 CPUs, 16 GiB, 1 GPU`."""
    return f"{status.owner} ({status.kind}: {status.resources})"


def _lacking(wanted: Resources, free: Free) -> Iterable[str]:
    if wanted.gpus > free.gpus:
        yield "GPUs"
    if wanted.cpus > free.cpus + 1e-9:
        yield "CPUs"
    if wanted.memory > free.memory:
        yield "memory"


def _holds_any(status: SandboxStatus, lacking: Sequence[str]) -> bool:
    # CPUs and memory are held by everybody; a GPU only by some.
    return lacking != ["GPUs"] or status.resources.gpus > 0


def advise(
    flavor: Flavor, flavors: Sequence[Flavor], machine: Machine, error: InsufficientResourcesError
) -> str:
    """What to tell a user whose flavor could not be had."""
    fitting = [other.name for other in flavors if other.resources.fits_in(machine.free)]
    instead = (
        f"Free now: {', '.join(fitting)}."
        if fitting
        else "Nothing is free now: stop a lab, or wait for one to end."
    )
    reason = why_not(flavor.resources, machine) if not flavor.resources.fits_in(machine.free) else str(error)
    return f"{reason} {instead}"
