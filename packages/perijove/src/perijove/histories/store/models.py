"""Every table of the history server.

users ─┬─ histories ── history_contents ─┬─ datasets ── files (content, by digest)
       │                                 └─ collections ── collection_elements ── datasets
       │              └─ history_shares ── users
       ├─ jobs ── job_inputs, job_outputs
       ├─ workflows ── workflow_invocations ── workflow_invocation_steps ── jobs
       ├─ notebook_pages ── files
       └─ uploads (tus, under way)

Primary keys are the identifiers that clients see (see `ids`). Times are UTC without a zone. A `Dataset` and a
`Collection` are both `HistoryContent`: they share the history's counter (`hid`) and its listing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from perijove.core.states import DatasetState, JobState
from perijove.histories.store.ids import ID_LENGTH, UNGUESSABLE_LENGTH, new_id, new_unguessable_id
from perijove.histories.store.types import JsonColumn, Tags, enum_column, utcnow

NAME_LENGTH = 255
DIGEST_LENGTH = 64

_Id = String(ID_LENGTH)
_Name = String(NAME_LENGTH)


class Base(DeclarativeBase):
    """Base of all tables; constraints have names, so that migrations can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's own hook)
        dict[str, Any]: JsonColumn,
        list[Any]: JsonColumn,
        int: BigInteger(),
    }


class User(Base):
    """A user of the hub who has come here at least once. `name` is the hub's name and never changes."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(_Name, unique=True)
    quota: Mapped[int | None] = mapped_column(default=None)
    """Bytes this user may keep; None: what the settings say; 0: no limit."""
    create_time: Mapped[datetime] = mapped_column(default=utcnow)


class History(Base):
    """A user's collection of datasets. `hid_counter`: the last number given out."""

    __tablename__ = "histories"
    __table_args__ = (
        UniqueConstraint("user_id", "slug"),
        Index("ix_histories_user_update", "user_id", "update_time"),
        Index("ix_histories_published", "published"),
    )

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(_Name)
    annotation: Mapped[str | None] = mapped_column(Text, default=None)
    tags: Mapped[list[str]] = mapped_column(Tags, default=list)
    slug: Mapped[str | None] = mapped_column(_Name, default=None)
    importable: Mapped[bool] = mapped_column(default=False)
    """Anyone who has the link may read."""
    published: Mapped[bool] = mapped_column(default=False)
    """Listed for everybody; also readable by everybody."""
    deleted: Mapped[bool] = mapped_column(default=False)
    purged: Mapped[bool] = mapped_column(default=False)
    hid_counter: Mapped[int] = mapped_column(default=0)
    create_time: Mapped[datetime] = mapped_column(default=utcnow)
    update_time: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    user: Mapped[User] = relationship()
    shares: Mapped[list[HistoryShare]] = relationship(
        order_by="HistoryShare.create_time", cascade="all, delete-orphan"
    )


class HistoryShare(Base):
    """A user who may read somebody else's history."""

    __tablename__ = "history_shares"

    history_id: Mapped[str] = mapped_column(ForeignKey("histories.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    create_time: Mapped[datetime] = mapped_column(default=utcnow)

    user: Mapped[User] = relationship()


class NotebookPage(Base):
    """A notebook as its owner published it. The id is the link's secret part; who revokes removes the row."""

    __tablename__ = "notebook_pages"

    id: Mapped[str] = mapped_column(String(UNGUESSABLE_LENGTH), primary_key=True, default=new_unguessable_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str] = mapped_column(_Name)
    path: Mapped[str] = mapped_column(Text)
    """Where it lay in the owner's lab, so that the lab finds its page again; shown to nobody else."""
    notebook_digest: Mapped[str] = mapped_column(ForeignKey("files.digest"), index=True)
    html_digest: Mapped[str] = mapped_column(ForeignKey("files.digest"), index=True)
    size: Mapped[int]
    """Bytes of both."""
    interactive: Mapped[bool] = mapped_column(default=False)
    """Whether the rendered notebook holds scripts, which run only where the visitor asks for them."""
    create_time: Mapped[datetime] = mapped_column(default=utcnow)
    update_time: Mapped[datetime] = mapped_column(default=utcnow)

    user: Mapped[User] = relationship()


class StoredFile(Base):
    """One content in the file store. Row and file go when no dataset points here any more."""

    __tablename__ = "files"

    digest: Mapped[str] = mapped_column(String(DIGEST_LENGTH), primary_key=True)
    """BLAKE3 of the content, in hexadecimal."""
    size: Mapped[int]
    create_time: Mapped[datetime] = mapped_column(default=utcnow)


class Job(Base):
    """One run of a tool: an upload (final from the start) or a notebook job (owned by the job loop).

    `(user_id, submission_id)` is unique, so that the same submission gives the same job.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("user_id", "submission_id"),
        Index("ix_jobs_user_create", "user_id", "create_time"),
        Index("ix_jobs_history", "history_id"),
        Index("ix_jobs_state", "state"),
    )

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    submission_id: Mapped[str | None] = mapped_column(_Name, default=None)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    history_id: Mapped[str] = mapped_column(ForeignKey("histories.id"))
    tool_id: Mapped[str] = mapped_column(_Name)
    tool_version: Mapped[str] = mapped_column(String(32), default="1.0.0")
    name: Mapped[str | None] = mapped_column(_Name, default=None)
    state: Mapped[JobState] = mapped_column(enum_column(JobState), default=JobState.NEW)
    params: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    """What the tool was called with, as it was sent (rerun sends it again)."""
    spec: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    """What was made of it, for the job loop: code name, input paths, kernel, …"""

    engine: Mapped[str | None] = mapped_column(String(64), default=None)
    resources: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    network: Mapped[str | None] = mapped_column(String(16), default=None)
    time_limit: Mapped[float | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(Text, default=None)
    """Why it waits, for people."""
    position: Mapped[int | None] = mapped_column(default=None)
    progress: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    metrics: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    """What the engine measured: CPU seconds, peak memory, GPUs."""

    exit_code: Mapped[int | None] = mapped_column(default=None)
    error: Mapped[dict[str, Any] | None] = mapped_column(JsonColumn, default=None)
    provenance: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    unsaved: Mapped[list[Any]] = mapped_column(JsonColumn, default=list)

    cancel_requested: Mapped[bool] = mapped_column(default=False)
    handler: Mapped[str | None] = mapped_column(_Name, default=None)
    """Who drives this job now (one job loop), and until when that claim holds."""
    handler_until: Mapped[datetime | None] = mapped_column(default=None)
    handler_state: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    """The job loop's own notes between two steps."""

    create_time: Mapped[datetime] = mapped_column(default=utcnow)
    update_time: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
    queue_time: Mapped[datetime | None] = mapped_column(default=None)
    start_time: Mapped[datetime | None] = mapped_column(default=None)
    end_time: Mapped[datetime | None] = mapped_column(default=None)

    user: Mapped[User] = relationship()
    history: Mapped[History] = relationship()
    inputs: Mapped[list[JobInput]] = relationship(order_by="JobInput.position", cascade="all, delete-orphan")
    outputs: Mapped[list[JobOutput]] = relationship(
        order_by="JobOutput.position", cascade="all, delete-orphan"
    )


class HistoryContent(Base):
    """What datasets and collections have in common: a place in a history, a name, visibility."""

    __tablename__ = "history_contents"
    __table_args__ = (
        UniqueConstraint("history_id", "hid"),
        Index("ix_history_contents_update", "history_id", "update_time"),
    )

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(32))
    history_id: Mapped[str] = mapped_column(ForeignKey("histories.id"))
    hid: Mapped[int]
    name: Mapped[str] = mapped_column(_Name)
    annotation: Mapped[str | None] = mapped_column(Text, default=None)
    tags: Mapped[list[str]] = mapped_column(Tags, default=list)
    visible: Mapped[bool] = mapped_column(default=True)
    deleted: Mapped[bool] = mapped_column(default=False)
    create_time: Mapped[datetime] = mapped_column(default=utcnow, index=True)
    update_time: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    history: Mapped[History] = relationship()

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_abstract": True}  # noqa: RUF012


class Dataset(HistoryContent):
    """A dataset. `digest` is None until it is `ok`, and again after it was purged."""

    __tablename__ = "datasets"
    __mapper_args__ = {"polymorphic_identity": "dataset"}  # noqa: RUF012

    id: Mapped[str] = mapped_column(ForeignKey("history_contents.id"), primary_key=True)
    state: Mapped[DatasetState] = mapped_column(enum_column(DatasetState), default=DatasetState.NEW)
    ext: Mapped[str] = mapped_column(String(64), default="data")
    digest: Mapped[str | None] = mapped_column(ForeignKey("files.digest"), index=True, default=None)
    size: Mapped[int] = mapped_column(default=0)
    purged: Mapped[bool] = mapped_column(default=False)
    public: Mapped[bool] = mapped_column(default=False)
    """Readable by everybody who knows the id, whatever its history says (Galaxy's `remove_restrictions`)."""
    genome_build: Mapped[str] = mapped_column(String(64), default="?")
    info: Mapped[str | None] = mapped_column(Text, default=None)
    blurb: Mapped[str | None] = mapped_column(_Name, default=None)
    peek: Mapped[str | None] = mapped_column(Text, default=None)
    metadata_json: Mapped[dict[str, Any]] = mapped_column("metadata", JsonColumn, default=dict)
    inspection: Mapped[str] = mapped_column(String(16), default="none", index=True)
    """`none` (nothing more to find out), `pending` (a confined process will look), `done`, `failed`."""
    creating_job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"), index=True, default=None)
    copied_from_id: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"), default=None)

    creating_job: Mapped[Job | None] = relationship(foreign_keys=[creating_job_id])


class Collection(HistoryContent):
    """A collection of datasets (`list`, `paired`, `list:paired`, …), complete from the moment it exists."""

    __tablename__ = "collections"
    __mapper_args__ = {"polymorphic_identity": "dataset_collection"}  # noqa: RUF012

    id: Mapped[str] = mapped_column(ForeignKey("history_contents.id"), primary_key=True)
    collection_type: Mapped[str] = mapped_column(String(64), default="list")
    element_count: Mapped[int] = mapped_column(default=0)
    creating_job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"), index=True, default=None)
    copied_from_id: Mapped[str | None] = mapped_column(ForeignKey("collections.id"), default=None)

    elements: Mapped[list[CollectionElement]] = relationship(
        order_by="CollectionElement.element_index", back_populates="collection", cascade="all, delete-orphan"
    )


class CollectionElement(Base):
    """An element of a collection: a dataset, or a group (`collection_type` set) that others name as parent.

    An identifier may hold slashes (`fig/a.png`): it is a name, not a path.
    """

    __tablename__ = "collection_elements"
    __table_args__ = (Index("ix_collection_elements_collection", "collection_id", "element_index"),)

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id"))
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("collection_elements.id"), default=None)
    element_index: Mapped[int]
    identifier: Mapped[str] = mapped_column(String(1024))
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"), index=True, default=None)
    collection_type: Mapped[str | None] = mapped_column(String(64), default=None)

    collection: Mapped[Collection] = relationship(back_populates="elements")
    dataset: Mapped[Dataset | None] = relationship()


class JobInput(Base):
    """A dataset or collection that a job reads. `name` is the tool's input; `path` what the code calls it."""

    __tablename__ = "job_inputs"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(_Name)
    path: Mapped[str | None] = mapped_column(Text, default=None)
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"), index=True, default=None)
    collection_id: Mapped[str | None] = mapped_column(ForeignKey("collections.id"), default=None)

    dataset: Mapped[Dataset | None] = relationship()
    collection: Mapped[Collection | None] = relationship()


class JobOutput(Base):
    """A dataset or collection that a job made; `name` is the tool's output."""

    __tablename__ = "job_outputs"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    position: Mapped[int] = mapped_column(default=0)
    name: Mapped[str] = mapped_column(_Name)
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("datasets.id"), index=True, default=None)
    collection_id: Mapped[str | None] = mapped_column(ForeignKey("collections.id"), index=True, default=None)

    dataset: Mapped[Dataset | None] = relationship()
    collection: Mapped[Collection | None] = relationship()


class StoredWorkflow(Base):
    """A workflow, as it was imported (Galaxy's format 2)."""

    __tablename__ = "workflows"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str] = mapped_column(_Name)
    document: Mapped[dict[str, Any]] = mapped_column(JsonColumn)
    deleted: Mapped[bool] = mapped_column(default=False)
    create_time: Mapped[datetime] = mapped_column(default=utcnow)
    update_time: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    user: Mapped[User] = relationship()


class Invocation(Base):
    """One run of a workflow. All its jobs are on record from the start; how they stand is theirs to say."""

    __tablename__ = "workflow_invocations"
    __table_args__ = (Index("ix_workflow_invocations_user_create", "user_id", "create_time"),)

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    workflow_id: Mapped[str] = mapped_column(ForeignKey("workflows.id"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    history_id: Mapped[str] = mapped_column(ForeignKey("histories.id"), index=True)
    inputs: Mapped[dict[str, Any]] = mapped_column(JsonColumn, default=dict)
    """The datasets that were given, by the label of the workflow's input."""
    cancelled: Mapped[bool] = mapped_column(default=False)
    create_time: Mapped[datetime] = mapped_column(default=utcnow)
    update_time: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    workflow: Mapped[StoredWorkflow] = relationship()
    steps: Mapped[list[InvocationStep]] = relationship(
        order_by="InvocationStep.order_index", cascade="all, delete-orphan"
    )


class InvocationStep(Base):
    """A step of a run: an input, a job (the one that took its place, where it was run again), or neither."""

    __tablename__ = "workflow_invocation_steps"

    id: Mapped[str] = mapped_column(_Id, primary_key=True, default=new_id)
    invocation_id: Mapped[str] = mapped_column(ForeignKey("workflow_invocations.id"), index=True)
    order_index: Mapped[int]
    label: Mapped[str] = mapped_column(_Name)
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"), index=True, default=None)
    reused: Mapped[bool] = mapped_column(default=False)
    """Whether an earlier job, called in the same way, stands for this step."""
    update_time: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)

    job: Mapped[Job | None] = relationship()


class Upload(Base):
    """An upload under way over tus. What has arrived is the file's own size in the uploads directory."""

    __tablename__ = "uploads"
    __table_args__ = (Index("ix_uploads_expires", "expires"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    length: Mapped[int]
    name: Mapped[str | None] = mapped_column(_Name, default=None)
    metadata_json: Mapped[dict[str, Any]] = mapped_column("metadata", JsonColumn, default=dict)
    synced: Mapped[int] = mapped_column(default=0)
    """Bytes known to be on the disk itself: where to resume after the machine itself went down."""
    boot_id: Mapped[str | None] = mapped_column(String(64), default=None)
    create_time: Mapped[datetime] = mapped_column(default=utcnow)
    expires: Mapped[datetime]
