"""Collections: make them from datasets, and from collections within."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from perijove.core.errors import BadRequestError, TooLargeError
from perijove.histories.context import Account
from perijove.histories.schemas.contents import CollectionCreate, CollectionDetail, ElementIdentifier
from perijove.histories.services import access
from perijove.histories.services.copies import copy_datasets, elements_of
from perijove.histories.services.datasets import MAX_ELEMENTS, check_identifiers
from perijove.histories.services.hids import take_hids
from perijove.histories.services.views import collection_detail
from perijove.histories.store.ids import new_id
from perijove.histories.store.models import Collection, CollectionElement, Dataset

_Leaf = tuple[CollectionElement, Dataset]


def create(
    session: Session, account: Account, history_id: str, request: CollectionCreate
) -> CollectionDetail:
    """A collection. With `copy_elements` it has its own (hidden) copies of the datasets."""
    history = access.open_history(session, account, history_id)
    collection = Collection(
        id=new_id(), history_id=history.id, name=request.name, collection_type=request.collection_type
    )
    elements = _Builder(session, account, collection).build(request.element_identifiers)
    leaves = [(e, e.dataset) for e in elements if e.dataset is not None]
    _own_datasets(session, leaves, history.id, copy=request.copy_elements)
    if request.hide_source_items:
        _hide(leaves, account)
    (collection.hid,) = take_hids(session, history.id)
    collection.element_count = sum(1 for element in elements if element.parent_id is None)
    session.add(collection)
    session.flush()
    session.add_all(elements)
    session.flush()
    return collection_detail(collection, list(session.scalars(elements_of(collection))))


class _Builder:
    """Turns element identifiers into rows, groups before what they hold."""

    def __init__(self, session: Session, account: Account, collection: Collection) -> None:
        self._session, self._account, self._collection = session, account, collection
        self._elements: list[CollectionElement] = []

    def build(self, identifiers: Sequence[ElementIdentifier]) -> list[CollectionElement]:
        """All elements. BadRequestError where shape and `collection_type` do not fit."""
        self._level(identifiers, self._collection.collection_type, None)
        return self._elements

    def _level(self, identifiers: Sequence[ElementIdentifier], kind: str, parent_id: str | None) -> None:
        check_identifiers([identifier.name for identifier in identifiers])
        if kind.split(":")[0] == "paired" and {i.name for i in identifiers} != {"forward", "reverse"}:
            raise BadRequestError("A pair has two elements: `forward` and `reverse`.")
        for index, identifier in enumerate(identifiers):
            if len(self._elements) >= MAX_ELEMENTS:
                raise TooLargeError(f"A collection may have {MAX_ELEMENTS:,} elements.")
            self._element(identifier, index, kind, parent_id)

    def _element(self, identifier: ElementIdentifier, index: int, kind: str, parent_id: str | None) -> None:
        element = CollectionElement(
            id=new_id(),
            collection_id=self._collection.id,
            parent_id=parent_id,
            element_index=index,
            identifier=identifier.name,
        )
        self._elements.append(element)
        inner = kind.partition(":")[2]
        if not inner:
            element.dataset = self._dataset(identifier)
            return
        element.collection_type = inner
        self._level(self._group(identifier), inner, element.id)

    def _dataset(self, identifier: ElementIdentifier) -> Dataset:
        if identifier.src != "hda" or identifier.id is None:
            raise BadRequestError(
                f"The element {identifier.name[:40]!r} must be a dataset.",
                advice="Send src `hda` and the dataset's id, or a nested collection_type such as list:list.",
            )
        return access.readable_dataset(self._session, self._account, identifier.id)

    def _group(self, identifier: ElementIdentifier) -> list[ElementIdentifier]:
        if identifier.src == "new_collection" and identifier.element_identifiers is not None:
            return identifier.element_identifiers
        if identifier.src == "hdca" and identifier.id is not None:
            source = access.readable_collection(self._session, self._account, identifier.id)
            return _identifiers(list(self._session.scalars(elements_of(source))), None)
        raise BadRequestError(
            f"The element {identifier.name[:40]!r} must be a collection.",
            advice="Send src `new_collection` with element_identifiers, or src `hdca` with an id.",
        )


def _identifiers(elements: Sequence[CollectionElement], parent_id: str | None) -> list[ElementIdentifier]:
    return [
        ElementIdentifier(
            src="hda" if element.dataset_id else "new_collection",
            id=element.dataset_id,
            name=element.identifier,
            element_identifiers=None if element.dataset_id else _identifiers(elements, element.id),
        )
        for element in elements
        if element.parent_id == parent_id
    ]


def _own_datasets(session: Session, leaves: Sequence[_Leaf], history_id: str, *, copy: bool) -> None:
    """Replace datasets by hidden copies, all of them or only those of other histories."""
    distinct = {dataset.id: dataset for _, dataset in leaves if copy or dataset.history_id != history_id}
    copies = copy_datasets(session, list(distinct.values()), history_id, visible=False)
    replaced = dict(zip(distinct, copies, strict=True))
    for element, dataset in leaves:
        element.dataset = replaced.get(dataset.id, dataset)
        element.dataset_id = element.dataset.id


def _hide(leaves: Sequence[_Leaf], account: Account) -> None:
    for _, dataset in leaves:
        if dataset.history.user_id == account.id:
            dataset.visible = False
