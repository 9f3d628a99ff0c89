"""The order in which waiting jobs of one machine start, and what each of them waits for. Pure functions.

The rule, as users may read it:

1. *Users take turns.* Whose running jobs hold the smallest share of the machine comes first; the share is
   the largest of that user's shares of CPUs, memory and GPUs. Between equals, whoever has waited longest
   since a job of theirs last started. Whoever has waited an hour without a start goes before, whatever they
   hold.
2. *One user's jobs start in the order in which they were submitted.*
3. *Small jobs may pass a big one that does not fit yet, but not for ever.* After five minutes the first job
   that does not fit has its room kept: nothing behind it starts that would take what it needs. No room is
   kept for a job whose room labs hold, since no job's end could make it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from perijove.core.resources import Free, Resources, format_size
from perijove.engines.base import EngineJob

OVERDUE_SECONDS = 3600.0
RESERVE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A lab or job that holds part of the machine now."""

    owner: str
    is_job: bool
    resources: Resources


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What there is, who holds it, and when a job of each user last started (seconds since the epoch)."""

    total: Resources
    free: Free
    holders: tuple[Holder, ...] = ()
    last_starts: Mapping[str, float] = field(default_factory=dict)

    @property
    def jobs(self) -> tuple[Holder, ...]:
        """The holders that are jobs."""
        return tuple(holder for holder in self.holders if holder.is_job)

    @property
    def free_without_jobs(self) -> Free:
        """What would be free if every job ended and every lab stayed."""
        return Free(
            cpus=self.free.cpus + sum(job.resources.cpus for job in self.jobs),
            memory=self.free.memory + sum(job.resources.memory for job in self.jobs),
            gpus=self.free.gpus + sum(job.resources.gpus for job in self.jobs),
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`start`: what can start now, in order. `reasons`: why each other job waits, in the queue's order."""

    start: tuple[EngineJob, ...]
    reasons: Mapping[str, str]


def dominant_share(resources: Iterable[Resources], total: Resources) -> float:
    """The largest of the shares of CPUs, memory and GPUs that `resources` together are of `total`."""
    held = list(resources)
    shares = [
        sum(one.cpus for one in held) / total.cpus,
        sum(one.memory for one in held) / max(total.memory, 1),
    ]
    if total.gpus:
        shares.append(sum(one.gpus for one in held) / total.gpus)
    return max(shares)


def fair_order(waiting: Iterable[EngineJob], machine: Machine, *, now: float) -> list[EngineJob]:
    """`waiting` in the order of rules 1 and 2: as if each job started when its turn comes."""
    queues: dict[str, list[EngineJob]] = defaultdict(list)
    for job in sorted(waiting, key=lambda job: (job.submitted, job.id), reverse=True):
        queues[job.owner].append(job)
    turns = [_first_turn(owner, queue[-1], machine, now) for owner, queue in queues.items()]
    heapq.heapify(turns)
    order: list[EngineJob] = []
    while turns:
        _, share, _, owner = heapq.heappop(turns)
        job = queues[owner].pop()
        order.append(job)
        if queues[owner]:
            share += dominant_share([job.resources], machine.total)
            heapq.heappush(turns, (share, share, now + len(order), owner))
    return order


def _first_turn(
    owner: str, oldest: EngineJob, machine: Machine, now: float
) -> tuple[float, float, float, str]:
    """What the user is sorted by: share (below every share where overdue), share, waiting since, name."""
    share = dominant_share([job.resources for job in machine.jobs if job.owner == owner], machine.total)
    waiting_since = max(oldest.submitted, machine.last_starts.get(owner, 0.0))
    overdue = now - waiting_since > OVERDUE_SECONDS
    return (-1.0 if overdue else share, share, waiting_since, owner)


def plan(order: Iterable[EngineJob], machine: Machine, *, max_running_per_user: int, now: float) -> Plan:
    """Which of `order` start now, and why the others wait (rule 3). `max_running_per_user` 0: no limit."""
    walk = _Walk(machine, max_running_per_user, now)
    reasons: dict[str, str] = {}
    start: list[EngineJob] = []
    for job in order:
        reason = walk.refusal(job)
        if reason:
            reasons[job.id] = reason
            continue
        walk.take(job)
        start.append(job)
    return Plan(start=tuple(start), reasons=reasons)


class _Walk:
    """One pass over the queue: what is left, and for whom room is kept."""

    def __init__(self, machine: Machine, limit: int, now: float) -> None:
        self._total = machine.total
        self._free = machine.free
        self._free_without_jobs = machine.free_without_jobs
        self._limit = limit
        self._now = now
        self._kept: Resources | None = None
        self._running: dict[str, int] = defaultdict(int)
        self._holders = list(machine.holders)
        for job in machine.jobs:
            self._running[job.owner] += 1

    def refusal(self, job: EngineJob) -> str:
        """Why `job` cannot start now; empty where it can."""
        if self._limit and self._running[job.owner] >= self._limit:
            limit = _count(self._limit, "job")
            return f"waits for a job of {job.owner} to end: a user may run {limit} at a time"
        if not job.resources.fits_in(self._free):
            self._keep_room_for(job)
            return lack(job.resources, total=self._total, free=self._free, holders=self._holders)
        if self._kept is not None and _takes_from(job.resources, self._free, self._kept):
            return "would fit, but a bigger job before it has waited long and its room is being kept"
        return ""

    def take(self, job: EngineJob) -> None:
        """Count `job` as running."""
        self._free = self._free.minus(job.resources)
        self._running[job.owner] += 1
        self._holders.append(Holder(owner=job.owner, is_job=True, resources=job.resources))

    def _keep_room_for(self, job: EngineJob) -> None:
        long_enough = self._now - job.submitted > RESERVE_SECONDS
        if self._kept is None and long_enough and job.resources.fits_in(self._free_without_jobs):
            self._kept = job.resources


def _takes_from(wanted: Resources, free: Free, kept: Resources) -> bool:
    """Whether starting `wanted` leaves less than `kept` of anything it takes."""
    left = free.minus(wanted)
    too_few_gpus = wanted.gpus > 0 and left.gpus < kept.gpus
    return left.cpus < kept.cpus - 1e-9 or left.memory < kept.memory or too_few_gpus


def lack(wanted: Resources, *, total: Resources, free: Free, holders: Iterable[Holder]) -> str:
    """What is not free, and who holds it: "waits for 1 GPU: all 2 are held by 2 labs and 0 jobs"."""
    held = list(holders)
    texts = []
    if wanted.gpus > free.gpus:
        left = _left(free.gpus > 0, str(free.gpus), str(total.gpus))
        texts.append(
            f"{_count(wanted.gpus, 'GPU')}: {left} {_by([one for one in held if one.resources.gpus])}"
        )
    if wanted.cpus > free.cpus + 1e-9:
        left = _left(free.cpus > 0, f"{free.cpus:g}", f"{total.cpus:g}")
        texts.append(f"{wanted.cpus:g} CPU{'' if wanted.cpus == 1 else 's'}: {left} {_by(held)}")
    if wanted.memory > free.memory:
        left = _left(free.memory > 0, format_size(max(free.memory, 0)), format_size(total.memory))
        texts.append(f"{format_size(wanted.memory)} of memory: {left} {_by(held)}")
    return "waits for " + "; and for ".join(texts)


def _left(some_free: bool, free: str, total: str) -> str:
    if some_free:
        return f"{free} of {total} free, the rest held"
    return "the only one is held" if total == "1" else f"all {total} are held"


def _by(holders: list[Holder]) -> str:
    jobs = sum(holder.is_job for holder in holders)
    return f"by {_count(len(holders) - jobs, 'lab')} and {_count(jobs, 'job')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
