"""Flavors: made from the machine, kept to groups, and honest about what is free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perijove.core.errors import BadRequestError, ForbiddenError, InsufficientResourcesError
from perijove.core.flavors import Flavor, default_flavors, offered_flavors
from perijove.core.resources import Free, Resources
from perijove.hub.flavors import Machine, advise, allowed_flavors, choose_flavor, offers, why_not
from perijove.sandbox.spec import SandboxStatus

GIB = 2**30
SMALL = Flavor(name="small", cpus=1, memory="2G")
GPU = Flavor(name="gpu", title="One GPU", cpus=4, memory="16G", gpus=1, groups=("vision",))
TOTAL = Resources(cpus=8, memory=32 * GIB, gpus=1)


def held(owner: str, resources: Resources, kind: str = "lab") -> SandboxStatus:
    return SandboxStatus(
        id=f"{kind}-{owner}", kind=kind, owner=owner, state="running", resources=resources, started=0.0
    )


def machine(*running: SandboxStatus) -> Machine:
    free = Free(cpus=TOTAL.cpus, memory=TOTAL.memory, gpus=TOTAL.gpus)
    for status in running:
        free = free.minus(status.resources)
    return Machine(total=TOTAL, free=free, running=running)


@given(cpus=st.floats(0.5, 512, allow_nan=False), memory=st.integers(2**28, 2**43), gpus=st.integers(0, 16))
def test_every_default_flavor_fits_the_machine(cpus: float, memory: int, gpus: int) -> None:
    total = Resources(cpus=cpus, memory=memory, gpus=gpus)
    made = default_flavors(total)
    assert made
    assert all(flavor.resources.fits_in(total) and flavor.memory > 0 for flavor in made)
    assert len({flavor.name for flavor in made}) == len({flavor.resources for flavor in made}) == len(made)
    assert any(flavor.gpus for flavor in made) == (gpus > 0)


def test_flavors_of_the_settings_replace_the_defaults() -> None:
    assert offered_flavors((SMALL,), TOTAL) == (SMALL,)
    assert [flavor.name for flavor in offered_flavors((), TOTAL)] == ["small", "medium", "large", "gpu"]


def test_groups_keep_flavors_to_their_members() -> None:
    both = (SMALL, GPU)
    assert allowed_flavors(both, set(), admin=False) == [SMALL]
    assert allowed_flavors(both, {"vision"}, admin=False) == [SMALL, GPU]
    assert allowed_flavors(both, set(), admin=True) == [SMALL, GPU]


def test_choosing() -> None:
    both = (SMALL, GPU)
    assert choose_flavor(both, None, set(), admin=False) == SMALL
    assert choose_flavor(both, "gpu", {"vision"}, admin=False) == GPU
    with pytest.raises(ForbiddenError, match="kept to: vision"):
        choose_flavor(both, "gpu", set(), admin=False)
    with pytest.raises(BadRequestError, match="Choose one of: small"):
        choose_flavor(both, "huge", set(), admin=False)
    with pytest.raises(ForbiddenError, match="No flavor is open"):
        choose_flavor((GPU,), None, set(), admin=False)


def test_what_is_held_cannot_be_chosen_and_the_holder_is_named() -> None:
    now = machine(
        held("ada", Resources(cpus=2, memory=GIB, gpus=1)), held("bob", Resources(cpus=1, memory=GIB))
    )
    small, gpu = offers([SMALL, GPU], now, last="gpu")
    assert small.free_now
    assert small.chosen
    assert not gpu.free_now
    assert not gpu.chosen
    assert "GPUs" in gpu.why_not
    assert "ada" in gpu.why_not
    assert "bob" not in gpu.why_not  # holds no GPU


def test_the_flavor_of_last_time_is_chosen_while_it_is_free() -> None:
    assert [offer.chosen for offer in offers([SMALL, GPU], machine(), last="gpu")] == [False, True]
    assert [offer.chosen for offer in offers([SMALL, GPU], machine(), last=None)] == [True, False]


def test_what_could_never_fit_is_said_so() -> None:
    assert "More than this machine has" in why_not(Resources(cpus=64), machine())


def test_advice_names_what_is_free_instead() -> None:
    now = machine(held("ada", Resources(cpus=2, memory=GIB, gpus=1)))
    advice = advise(GPU, [SMALL, GPU], now, InsufficientResourcesError("full"))
    assert "Held by ada" in advice
    assert "Free now: small" in advice
    full = machine(held("ada", TOTAL))
    assert "Nothing is free now" in advise(GPU, [SMALL, GPU], full, InsufficientResourcesError("full"))
