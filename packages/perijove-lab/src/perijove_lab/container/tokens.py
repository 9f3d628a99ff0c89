"""The token of a lab that starts by itself: given or made here, never empty."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perijove_lab.container.errors import StartError

VARIABLES = ("PERIJOVE_TOKEN", "JUPYTER_TOKEN")
SHORTEST = 16


@dataclass(frozen=True, kw_only=True)
class Token:
    """What opens the lab. Only one made here is shown."""

    value: str
    made_here: bool

    def __repr__(self) -> str:
        return f"Token(made_here={self.made_here})"


def choose_token(environ: Mapping[str, str], file: Path | None = None) -> Token:
    """From `file`, else from PERIJOVE_TOKEN or JUPYTER_TOKEN, else 256 random bits.

    StartError for one that is empty or short: such a lab would be open to everybody.
    """
    if file is not None:
        return _given(_read(file), str(file))
    for name in VARIABLES:
        if name in environ:
            return _given(environ[name], name)
    return Token(value=secrets.token_urlsafe(32), made_here=True)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        raise StartError(
            f"The token cannot be read from {file}: {error.strerror}.", advice="Check --token-file."
        ) from error


def _given(text: str, source: str) -> Token:
    value = text.strip()
    if len(value) < SHORTEST:
        what = f"shorter than {SHORTEST} characters" if value else "empty"
        raise StartError(
            f"The token in {source} is {what}.",
            advice=f"Leave {source} out to have one made, or give a long random one.",
        )
    return Token(value=value, made_here=False)
