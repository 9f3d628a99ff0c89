from __future__ import annotations

from pathlib import Path

import pytest

from perijove.core.resources import Free, Resources
from perijove.engines.base import EngineJob
from perijove.engines.queue import Holder, Machine, fair_order, plan

GIB = 2**30
TOTAL = Resources(cpus=8, memory=32 * GIB, gpus=2)
NOW = 10_000.0


def job(name: str, owner: str, *, submitted: float = NOW, cpus: float = 1, gpus: int = 0) -> EngineJob:
    return EngineJob(
        id=name,
        owner=owner,
        directory=Path("/jobs") / name,
        resources=Resources(cpus=cpus, memory=GIB, gpus=gpus),
        submitted=submitted,
    )


def machine(*holders: Holder, last_starts: dict[str, float] | None = None) -> Machine:
    free = Free(cpus=TOTAL.cpus, memory=TOTAL.memory, gpus=TOTAL.gpus)
    for holder in holders:
        free = free.minus(holder.resources)
    return Machine(total=TOTAL, free=free, holders=holders, last_starts=last_starts or {})


def holder(owner: str, *, is_job: bool = True, cpus: float = 1, gpus: int = 0) -> Holder:
    return Holder(owner=owner, is_job=is_job, resources=Resources(cpus=cpus, memory=GIB, gpus=gpus))


def names(jobs: list[EngineJob]) -> list[str]:
    return [one.id for one in jobs]


def decide(jobs: list[EngineJob], at: Machine, *, limit: int = 0, now: float = NOW):
    return plan(fair_order(jobs, at, now=now), at, max_running_per_user=limit, now=now)


def test_jobs_of_one_user_keep_their_order():
    jobs = [job("c", "ada", submitted=3), job("a", "ada", submitted=1), job("b", "ada", submitted=2)]
    assert names(fair_order(jobs, machine(), now=NOW)) == ["a", "b", "c"]


def test_users_take_turns_whoever_submitted_more():
    jobs = [job(f"ada{i}", "ada", submitted=NOW - 100 + i) for i in range(4)]
    jobs += [job("bob0", "bob", submitted=NOW - 5), job("bob1", "bob", submitted=NOW - 4)]
    assert names(fair_order(jobs, machine(), now=NOW)) == ["ada0", "bob0", "ada1", "bob1", "ada2", "ada3"]


def test_who_holds_less_of_the_machine_comes_first():
    at = machine(holder("ada", gpus=1), holder("bob", cpus=1))
    jobs = [job("ada1", "ada", submitted=NOW - 50), job("bob1", "bob", submitted=NOW - 5)]
    assert names(fair_order(jobs, at, now=NOW)) == ["bob1", "ada1"]


def test_labs_do_not_count_against_a_users_jobs():
    at = machine(holder("ada", is_job=False, cpus=4))
    jobs = [job("ada1", "ada", submitted=NOW - 50), job("bob1", "bob", submitted=NOW - 5)]
    assert names(fair_order(jobs, at, now=NOW)) == ["ada1", "bob1"]


def test_between_equals_whoever_had_no_start_for_longest_comes_first():
    at = machine(last_starts={"ada": NOW - 10, "bob": NOW - 300})
    jobs = [job("ada1", "ada", submitted=NOW - 500), job("bob1", "bob", submitted=NOW - 400)]
    assert names(fair_order(jobs, at, now=NOW)) == ["bob1", "ada1"]


def test_whoever_waited_an_hour_goes_before_whatever_they_hold():
    at = machine(holder("ada", cpus=4))
    jobs = [job("ada1", "ada", submitted=NOW - 3700), job("bob1", "bob", submitted=NOW - 5)]
    assert names(fair_order(jobs, at, now=NOW)) == ["ada1", "bob1"]
    soon = [job("ada1", "ada", submitted=NOW - 3500), job("bob1", "bob", submitted=NOW - 5)]
    assert names(fair_order(soon, at, now=NOW)) == ["bob1", "ada1"]


def test_what_fits_starts_and_the_rest_hears_why():
    at = machine(holder("x", is_job=False, gpus=1), holder("y", is_job=False, gpus=1))
    decided = decide([job("gpu", "ada", gpus=1), job("cpu", "bob")], at)
    assert names(list(decided.start)) == ["cpu"]
    assert decided.reasons["gpu"] == "waits for 1 GPU: all 2 are held by 2 labs and 0 jobs"


def test_the_reason_counts_what_is_free_and_what_starts_now():
    decided = decide([job("a", "ada", gpus=1, submitted=1), job("b", "ada", gpus=2, submitted=2)], machine())
    assert names(list(decided.start)) == ["a"]
    assert decided.reasons["b"] == "waits for 2 GPUs: 1 of 2 free, the rest held by 0 labs and 1 job"


def test_several_lacks_are_told_together():
    at = machine(holder("x", cpus=7.5, gpus=2))
    decided = decide([job("a", "ada", cpus=1, gpus=1)], at)
    assert decided.reasons["a"] == (
        "waits for 1 GPU: all 2 are held by 0 labs and 1 job; "
        "and for 1 CPU: 0.5 of 8 free, the rest held by 0 labs and 1 job"
    )


def test_a_limit_per_user_holds_back_that_user_only():
    at = machine(holder("ada"))
    decided = decide([job("ada1", "ada"), job("bob1", "bob")], at, limit=1)
    assert names(list(decided.start)) == ["bob1"]
    assert decided.reasons["ada1"] == "waits for a job of ada to end: a user may run 1 job at a time"


def test_a_small_job_may_pass_a_big_one_at_first():
    at = machine(holder("x", cpus=4))
    jobs = [job("big", "ada", cpus=8, submitted=NOW - 60), job("small", "bob", cpus=2)]
    assert names(list(decide(jobs, at).start)) == ["small"]


def test_after_five_minutes_room_is_kept_for_the_big_one():
    at = machine(holder("x", cpus=4))
    jobs = [job("big", "ada", cpus=8, submitted=NOW - 301), job("small", "bob", cpus=2)]
    decided = decide(jobs, at)
    assert decided.start == ()
    assert "a bigger job before it" in decided.reasons["small"]


def test_what_takes_nothing_from_the_big_one_still_starts():
    at = machine(holder("x", gpus=1), holder("y", gpus=1))
    jobs = [job("big", "ada", gpus=2, cpus=2, submitted=NOW - 999), job("small", "bob", cpus=2)]
    assert names(list(decide(jobs, at).start)) == ["small"]


def test_no_room_is_kept_where_labs_hold_it():
    at = machine(holder("x", is_job=False, gpus=1))
    jobs = [job("big", "ada", gpus=2, submitted=NOW - 999), job("small", "bob", gpus=1)]
    assert names(list(decide(jobs, at).start)) == ["small"]


def test_a_big_job_starts_in_the_end_however_many_small_ones_come():
    """Small jobs of others arrive without end, each four minutes long; the big one gets its turn."""
    running: list[tuple[float, Holder]] = []
    now, started_big = NOW, None
    waiting = [job("big", "ada", cpus=8, submitted=NOW)]
    for step in range(60):
        now = NOW + 60 * step
        running = [(end, one) for end, one in running if end > now]
        waiting.append(job(f"small{step}", f"user{step}", cpus=2, submitted=now))
        at = machine(*(one for _, one in running))
        for chosen in decide(waiting, at, now=now).start:
            waiting.remove(chosen)
            running.append((now + 240, Holder(owner=chosen.owner, is_job=True, resources=chosen.resources)))
            if chosen.id == "big":
                started_big = step
        if started_big is not None:
            break
    assert started_big is not None
    assert started_big <= 15


@pytest.mark.parametrize("count", [5000])
def test_long_queues_are_ordered_quickly(count: int):
    import time

    jobs = [job(f"j{i}", f"u{i % 50}", submitted=NOW - i) for i in range(count)]
    began = time.perf_counter()
    order = fair_order(jobs, machine(), now=NOW)
    assert len(order) == count
    assert time.perf_counter() - began < 2.0
