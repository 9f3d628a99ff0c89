"""How errors leave the server: Galaxy's shape, with our advice. What a request caused is never a 500.

{"err_msg": "…", "err_code": 404001, "advice": "…", "retry": false}
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from starlette.exceptions import HTTPException

from perijove.core.errors import PerijoveError

log = logging.getLogger("perijove.histories")

# Galaxy's own numbers (galaxy.exceptions.error_codes); clients compare them.
_CODES = {
    400: 400008,
    401: 401001,
    403: 403002,
    404: 404001,
    405: 405001,
    409: 409001,
    412: 412001,
    413: 413001,
    415: 415001,
    416: 416001,
    500: 500001,
    501: 501001,
    502: 502001,
    503: 503001,
    507: 507001,
}


def error_response(
    status: int, message: str, *, advice: str = "", retry: bool = False, headers: dict[str, str] | None = None
) -> JSONResponse:
    """One error, as every error looks."""
    body: dict[str, Any] = {"err_msg": _printable(f"{message} {advice}".strip())}
    body["err_code"] = _CODES.get(status, status * 1000)
    body["advice"] = _printable(advice)
    body["retry"] = retry
    extra = dict(headers or {})
    if status in (502, 503, 507) and retry:
        extra.setdefault("Retry-After", "5")
    if status == 401:
        extra.setdefault("WWW-Authenticate", "Bearer")
    return JSONResponse(body, status_code=status, headers=extra)


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


async def _ours(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PerijoveError)
    if error.status >= 500:
        log.error("%s: %s", type(error).__name__, error, exc_info=error.__cause__)
    return error_response(error.status, error.message, advice=error.advice, retry=error.retry)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    message = error.detail if isinstance(error.detail, str) else "This cannot be done."
    if error.status_code == 404 and message == "Not Found":
        message = "There is nothing at this address."
    return error_response(error.status_code, message, headers=dict(error.headers or {}))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(f"{_where(fault)}: {fault.get('msg', 'not valid')}" for fault in error.errors()[:5])
    return error_response(400, f"The request is not valid: {faults[:1000]}.", advice="See /openapi.json.")


def _where(fault: dict[str, Any]) -> str:
    return ".".join(str(part)[:50] for part in fault.get("loc", ())[1:]) or "body"


async def _unstorable(_request: Request, error: Exception) -> JSONResponse:
    log.info("refused by the database: %s", type(error).__name__)
    return error_response(
        400, "The request holds a value that cannot be stored.", advice="Leave out NUL and half characters."
    )


async def _collision(_request: Request, error: Exception) -> JSONResponse:
    log.info("collision: %s", error)
    return error_response(
        409, "Somebody changed the same thing at the same moment.", advice="Try again.", retry=True
    )


async def _database(_request: Request, error: Exception) -> JSONResponse:
    log.error("the database failed", exc_info=error)
    return error_response(
        503, "The database cannot be used now.", advice="Try again in a moment.", retry=True
    )


async def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error)
    return error_response(
        500, "The server made a mistake.", advice="Tell an administrator; the log has details."
    )


def install_error_handlers(app: FastAPI) -> None:
    """Every exception that leaves a route becomes one answer."""
    for kind, handler in (
        (PerijoveError, _ours),
        (HTTPException, _http),
        (RequestValidationError, _invalid),
        (DataError, _unstorable),
        (UnicodeEncodeError, _unstorable),
        (IntegrityError, _collision),
        (SQLAlchemyError, _database),
        (Exception, _unexpected),
    ):
        app.add_exception_handler(kind, handler)
