"""The demo's report: Markdown and HTML, with pictures."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PICTURES = {
    "predictions.png": "image | truth | prediction",
    "training.png": "loss and validation Dice by epoch",
}
_COLUMNS = ("patient", "slices", "precision", "recall", "dice", "iou")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What the demo has found."""

    user: str
    data: str
    parameters: dict[str, Any]
    job: dict[str, Any]
    scores: list[dict[str, Any]]
    onnx_difference: float
    compared: float | None
    times: list[tuple[str, float]]
    pictures: dict[str, bytes] = field(repr=False)


def write(findings: Findings, folder: Path) -> Path:
    """Write report.md, report.html and the pictures: the path of report.html."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in findings.pictures.items():
        (folder / name).write_bytes(content)
    (folder / "report.md").write_text(markdown(findings), encoding="utf-8")
    (folder / "report.html").write_text(page(findings), encoding="utf-8")
    return folder / "report.html"


def cells(row: dict[str, Any]) -> list[str]:
    """One row of the table of scores, as text."""
    return [f"{row[name]:.3f}" if isinstance(row[name], float) else str(row[name]) for name in _COLUMNS]


def columns() -> tuple[str, ...]:
    """The headings of that table."""
    return ("patient", "slices", "precision", "recall", "Dice", "IoU")


def facts(findings: Findings) -> list[tuple[str, str]]:
    """What is worth saying beside the table."""
    metrics = {metric["name"]: metric for metric in findings.job.get("job_metrics") or [] if "name" in metric}
    runtime = metrics.get("runtime_seconds", {}).get("value")
    found = [
        ("data", findings.data),
        (
            "parameters",
            ", ".join(f"{k} = {v}" for k, v in findings.parameters.items()) or "the notebook's own",
        ),
        ("user", findings.user),
        ("job", str(findings.job["id"])),
        ("ONNX against Keras, largest difference", f"{findings.onnx_difference:.1e}"),
    ]
    if runtime:
        found.append(("time of the job", str(runtime)))
    if findings.compared is not None:
        found.append(("same code as a plain script, largest difference", f"{findings.compared:.1e}"))
    return found


def explanation() -> str:
    """How to read the figures."""
    return (
        "Precision and recall are the paper's: over all pixels of both channels, background and infection. "
        "Dice and IoU are of the infection alone. The last row is a predictor that finds nothing."
    )


def markdown(findings: Findings) -> str:
    """The report as Markdown."""
    lines = ["# CT segmentation, the whole way", "", *_table(columns(), map(cells, findings.scores)), ""]
    lines += [explanation(), "", *_table(("", ""), facts(findings)), ""]
    for name in findings.pictures:
        lines += [f"![{PICTURES.get(name, name)}]({name})", ""]
    lines += [
        *_table(("step", "seconds"), [(step, f"{took:.1f}") for step, took in findings.times]),
        "",
    ]
    return "\n".join(lines)


def _table(heads: Any, rows: Any) -> list[str]:
    return [_line(heads), _line("---" for _ in heads), *map(_line, rows)]


def _line(entries: Any) -> str:
    return f"| {' | '.join(str(entry).replace('|', chr(92) + '|') for entry in entries)} |"


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}img{max-width:100%}"
    "td,th{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:left}"
)
_META = '<meta charset="utf-8"><title>CT segmentation</title>'
_HEAD = f'<!doctype html><html lang="en">{_META}<style>{_STYLE}</style>'


def page(findings: Findings) -> str:
    """The report as one HTML page beside its pictures."""
    figures = "".join(
        f'<figure><img src="{html.escape(name)}" alt="{html.escape(PICTURES.get(name, name))}">'
        f"<figcaption>{html.escape(PICTURES.get(name, name))}</figcaption></figure>"
        for name in findings.pictures
    )
    times = [(step, f"{took:.1f} s") for step, took in findings.times]
    return (
        f"{_HEAD}<h1>CT segmentation, the whole way</h1>{_html_table(columns(), map(cells, findings.scores))}"
        f"<p>{html.escape(explanation())}</p>{_html_table((), facts(findings))}{figures}"
        f"<h2>Times</h2>{_html_table((), times)}</html>\n"
    )


def _html_table(heads: Any, rows: Any) -> str:
    head = f"<tr>{''.join(f'<th>{html.escape(entry)}</th>' for entry in heads)}</tr>" if heads else ""
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(str(entry))}</td>' for entry in row)}</tr>" for row in rows
    )
    return f"<table>{head}{body}</table>"
