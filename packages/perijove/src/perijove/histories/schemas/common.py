"""What several schemas share: texts that can be stored, identifiers, base classes."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from perijove.histories.store.ids import ID_PATTERN

MAX_TEXT = 100_000
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def _storable(value: str) -> str:
    if _UNSTORABLE.search(value):
        raise ValueError("holds characters that cannot be stored (NUL, or half of a character)")
    return value


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must be one line of text without control characters")
    if not value.strip():
        raise ValueError("must not be blank")
    return value


Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_one_line)]
FreeText = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_storable)]
Tag = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_one_line)]
TagList = Annotated[list[Tag], Field(max_length=100)]
EncodedId = Annotated[str, Field(pattern=ID_PATTERN, description="16 hexadecimal digits")]
Limit = Annotated[int, Field(ge=0, le=100_000)]
Offset = Annotated[int, Field(ge=0, le=2**53)]


class Request(BaseModel):
    """What a client sends. Fields that only a real Galaxy knows are ignored, so that its clients work."""

    model_config = ConfigDict(extra="ignore")


class Answer(BaseModel):
    """What the server sends."""

    model_config = ConfigDict(extra="forbid")


class Message(Answer):
    """A sentence for people."""

    message: str
