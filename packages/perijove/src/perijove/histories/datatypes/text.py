"""Types of text files, and the first lines that people see of them."""

from __future__ import annotations

import csv
import json
import re
from typing import Any

PEEK_LINES = 5
PEEK_WIDTH = 500
_SAMPLE_LINES = 100
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_SEQUENCE = re.compile(r"^[A-Za-z*.\-\s]+$")


def decode(head: bytes, *, whole: bool) -> str | None:
    """`head` as text, None when it is binary. A character cut at the end of a part is forgiven."""
    for encoding in ("utf-8-sig", "utf-16") if head[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError as error:
            if whole or error.start < len(head) - 4:
                continue
            text = head[: error.start].decode(encoding, "ignore")
        return None if _CONTROL.search(text) else text
    return _latin1(head)


def _latin1(head: bytes) -> str | None:
    """Text of an older encoding: no control characters, and letters for the most part."""
    text = head.decode("latin-1")
    if _CONTROL.search(text) or re.search(r"[\x80-\x9f]", text):
        return None
    plain = sum(1 for byte in head if byte < 0x80)
    return text if head and plain / len(head) > 0.7 else None


def kind(text: str, tail: str, *, whole: bool) -> str:
    """The type of a text from its beginning and end."""
    start = text.lstrip()[:512]
    lowered = start.lower()
    if start[:1] in "{[" and start:
        return _json_kind(text, tail, whole=whole)
    if lowered.startswith(("<!doctype html", "<html")):
        return "html"
    if lowered.startswith(("<?xml", "<svg")):
        return "svg" if "<svg" in lowered else "xml"
    if start.startswith(">") and _is_fasta(text):
        return "fasta"
    if start.startswith("@") and _is_fastq(text):
        return "fastq"
    return _table_kind(text, whole=whole) or "txt"


def _json_kind(text: str, tail: str, *, whole: bool) -> str:
    if '"nbformat"' in text or '"nbformat"' in tail:
        return "ipynb"
    if not whole:
        return "json" if re.match(r'\s*[\[{]\s*(["\[{\]}0-9tfn-])', text) else "txt"
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return "jsonl" if _is_jsonl(text) else "txt"
    return "json"


def _is_jsonl(text: str) -> bool:
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    try:
        return len(lines) > 1 and all(isinstance(json.loads(line), dict) for line in lines)
    except (ValueError, RecursionError):
        return False


def _is_fasta(text: str) -> bool:
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    return len(lines) > 1 and all(line.startswith(">") or _SEQUENCE.match(line) for line in lines)


def _is_fastq(text: str) -> bool:
    lines = text.splitlines()
    return len(lines) >= 4 and lines[2].startswith("+") and bool(_SEQUENCE.match(lines[1]))


def _lines(text: str, *, whole: bool) -> list[str]:
    lines = text.splitlines()[: _SAMPLE_LINES + 1]
    if not whole and len(lines) <= _SAMPLE_LINES:
        lines = lines[:-1] or lines  # the last one may be cut
    return [line for line in lines[:_SAMPLE_LINES] if line.strip()]


def _table_kind(text: str, *, whole: bool) -> str | None:
    lines = [line for line in _lines(text, whole=whole) if not line.startswith("#")]
    if lines and "\t" in lines[0] and _even(lines, "\t"):
        return "bed" if _is_bed(lines) else "tabular"
    if len(lines) > 1 and "," in lines[0] and _even(lines, ","):
        return "csv"
    return None


def _is_bed(lines: list[str]) -> bool:
    """Galaxy's rule (3 to 12 columns, the second and third whole numbers), and start before end in each."""
    for columns in _rows(lines, "\t"):
        if not 3 <= len(columns) <= 12 or not all(one.isascii() and one.isdigit() for one in columns[1:3]):
            return False
        if int(columns[1]) >= int(columns[2]):
            return False
    return True


def _even(lines: list[str], delimiter: str) -> bool:
    return len({len(row) for row in _rows(lines, delimiter)}) == 1


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return [line.split(delimiter) for line in lines]


def peek(text: str) -> str:
    """The first lines, shortened."""
    return "\n".join(line[:PEEK_WIDTH] for line in text.splitlines()[:PEEK_LINES])


def table_metadata(text: str, ext: str, *, whole: bool) -> dict[str, Any]:
    """Columns of a table; the number of data lines where the whole text is at hand."""
    delimiter = "," if ext == "csv" else "\t"
    lines = _lines(text, whole=whole)
    comments = sum(1 for line in lines if line.startswith("#"))
    rows = _rows([line for line in lines if not line.startswith("#")], delimiter)
    found: dict[str, Any] = {
        "columns": max((len(row) for row in rows), default=0),
        "delimiter": delimiter,
        "comment_lines": comments,
        "column_types": [_column_type(column) for column in zip(*rows[1:], strict=False)],
    }
    if whole:
        found["data_lines"] = len([line for line in text.splitlines() if line.strip()]) - comments
    return found


def _column_type(values: tuple[str, ...]) -> str:
    for name, convert in (("int", int), ("float", float)):
        try:
            for value in values:
                convert(value)
        except ValueError:
            continue
        return name
    return "str"
