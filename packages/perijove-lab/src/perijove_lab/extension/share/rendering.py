"""A notebook as the body of a public page: one HTML document that carries all it shows, and loads nothing.

Nothing that its author wrote is taken out: the page's own policy keeps it in its frame. Formulas become
MathML, so that none needs a script.
"""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from traitlets.config import Config

# As nbconvert has it, but for widgets, which are nothing without a kernel: their text stands for them.
_SHOWN = [
    "text/html",
    "application/javascript",
    "text/markdown",
    "image/svg+xml",
    "text/latex",
    "image/png",
    "image/jpeg",
    "image/gif",
    "text/plain",
]
_SCRIPT = re.compile(r"<script\b", re.IGNORECASE)
_DELIMITERS = re.compile(r"^\s*(\$\$?|\\[\[(])|(\$\$?|\\[\])])\s*$")
# Environments that the converter knows by another name.
_TEX_NAMES = {"aligned": "align*", "align": "align*", "gathered": "gather*", "eqnarray": "align*"}


@dataclass(frozen=True)
class Rendered:
    """`html` is a whole document; `interactive` says whether scripts are in it."""

    html: str
    interactive: bool


def render(notebook: NotebookNode, title: str) -> Rendered:
    """The notebook as visitors will see it."""
    shown = deepcopy(notebook)
    _turn_formulas(shown)
    exporter = _PageExporter(template_name="basic", config=_config())  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(shown)
    # What may be wider than the page scrolls, and a keyboard must get there.
    body = body.replace(
        'class="output_html', 'tabindex="0" role="region" aria-label="Output" class="output_html'
    )
    html = _DOCUMENT.format(title=escape(title), style=_style(), body=body)
    return Rendered(html=html, interactive=_SCRIPT.search(body) is not None)


def _turn_formulas(notebook: NotebookNode) -> None:
    """Outputs that are formulas, as SymPy's, become HTML."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/latex" in data and "text/html" not in data:
                data["text/html"] = mathml(data["text/latex"], block=True)


# The base: a link opens in a window of its own, since the frame may show nothing else.
_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<base target="_blank">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def _config() -> Config:
    config = Config()
    config.NbConvertBase.display_data_priority = _SHOWN
    config.HTMLExporter.exclude_anchor_links = True
    return config


@cache
def _style() -> str:
    own = files("perijove_lab.extension.share").joinpath("page.css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{own}"


class _PageExporter(HTMLExporter):
    """nbconvert's HTML with our way of formulas."""

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown to HTML; pictures attached to the cell are put in."""
        renderer = _Renderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            exclude_anchor_links=True,
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))


class _Renderer(IPythonRenderer):
    def block_math(self, body: str) -> str:
        return mathml(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", block=True)

    def inline_math(self, body: str) -> str:
        return mathml(body, block=False)


def mathml(tex: str, *, block: bool) -> str:
    """A formula as MathML; one that the converter does not understand stays as its author typed it."""
    from latex2mathml.converter import convert

    known = tex
    for name, other in _TEX_NAMES.items():
        known = known.replace(f"{{{name}}}", f"{{{other}}}")
    try:
        return str(convert(_DELIMITERS.sub("", known), display="block" if block else "inline"))
    except Exception:  # whatever a formula does to it
        return f"<code>{escape(tex)}</code>"
