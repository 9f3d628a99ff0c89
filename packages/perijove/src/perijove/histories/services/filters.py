"""Galaxy's filters and orders: `q=name-contains&qv=ct`, `order=create_time-dsc,hid-asc`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Text, UnaryExpression, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from perijove.core.errors import BadRequestError

_MAX_FILTERS = 50
Column = InstrumentedAttribute[Any]
Parser = Callable[[str], Any]


def truth(value: str) -> bool:
    """`True`, `false`, `1`, … BadRequestError else."""
    lowered = value.strip().lower()
    if lowered in ("true", "1", "yes", "on"):
        return True
    if lowered in ("false", "0", "no", "off"):
        return False
    raise BadRequestError(f"{value[:40]!r} is neither true nor false.")


def moment(value: str) -> datetime:
    """A time as Galaxy writes it, in UTC; `YYYY-MM-DD` and BioBlend's `HH-MM-SS` are accepted too."""
    text = value.strip().replace(" ", "T", 1)
    day, _, clock = text.partition("T")
    for candidate in (text, f"{day}T{clock.replace('-', ':', 2)}"):
        try:
            return datetime.fromisoformat(candidate.removesuffix("Z")).replace(tzinfo=None)
        except ValueError:
            continue
    raise BadRequestError(f"{value[:40]!r} is no time.", advice="Write it as 2026-11-30T12:00:00, in UTC.")


def member(kind: type[StrEnum]) -> Parser:
    """Parses a value of an enumeration."""

    def parse(value: str) -> StrEnum:
        try:
            return kind(value.strip())
        except ValueError:
            allowed = ", ".join(kind)
            raise BadRequestError(f"{value[:40]!r} is no state.", advice=f"Use one of {allowed}.") from None

    return parse


def word(value: str) -> str:
    """A text that a column can be compared with."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise BadRequestError("A filter holds characters that no name can have.")
    return value


def conditions(
    names: Sequence[str],
    values: Sequence[str],
    columns: Mapping[str, tuple[Column, Parser]],
    special: Mapping[str, Callable[[str], ColumnElement[bool]]],
) -> list[ColumnElement[bool]]:
    """The WHERE clauses of `q` and `qv`. BadRequestError names a filter or an operator that is not known."""
    if len(names) != len(values) or len(names) > _MAX_FILTERS:
        raise BadRequestError(f"Each q needs a qv, and there may be {_MAX_FILTERS} of them.")
    return [_condition(name, value, columns, special) for name, value in zip(names, values, strict=True)]


def _condition(
    name: str,
    value: str,
    columns: Mapping[str, tuple[Column, Parser]],
    special: Mapping[str, Callable[[str], ColumnElement[bool]]],
) -> ColumnElement[bool]:
    key, _, operator = name.partition("-")
    if key in special and operator in ("", "eq", "contains"):
        return special[key](value)
    if key not in columns:
        known = ", ".join(sorted([*columns, *special]))
        raise BadRequestError(f"There is no filter {name[:40]!r}.", advice=f"Use one of {known}.")
    column, parse = columns[key]
    return _compared(column, operator or "eq", value, parse)


def _compared(column: Column, operator: str, value: str, parse: Parser) -> ColumnElement[bool]:
    if operator == "in":
        return column.in_([parse(part) for part in value.split(",")[:500]])
    if operator in ("contains", "like"):
        return column.ilike(f"%{escaped(word(value).strip('%'))}%", escape="\\")
    compare: dict[str, Callable[[Any], Any]] = {
        "eq": column.__eq__,
        "ge": column.__ge__,
        "le": column.__le__,
        "gt": column.__gt__,
        "lt": column.__lt__,
    }
    if operator not in compare:
        raise BadRequestError(
            f"There is no operator {operator[:20]!r}.", advice="Use eq, in, contains, ge, le, gt, lt."
        )
    result: ColumnElement[bool] = compare[operator](parse(value))
    return result


def escaped(value: str) -> str:
    """`value` for LIKE with `\\` as escape: found literally."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def tagged(column: Column, tag: str) -> ColumnElement[bool]:
    """Rows that carry `tag` (see `store.types.Tags`)."""
    return type_coerce(column, Text).like(f"%\n{escaped(word(tag))}\n%", escape="\\")


def ordering(order: str, columns: Mapping[str, Column], *, default: str) -> list[UnaryExpression[Any]]:
    """The ORDER BY of `create_time-dsc,hid-asc`; descending where nothing is said."""
    clauses = []
    for part in (order or default).split(",")[:10]:
        name, _, direction = part.strip().partition("-")
        if name not in columns or direction not in ("", "asc", "dsc", "desc"):
            raise BadRequestError(
                f"Cannot order by {part[:40]!r}.", advice=f"Use {', '.join(columns)} with -asc or -dsc."
            )
        clauses.append(columns[name].asc() if direction == "asc" else columns[name].desc())
    return clauses
