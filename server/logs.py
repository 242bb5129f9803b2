"""What the program says while it runs: one line for one thing that happened.

Whoever has something to say says it to ``structlog.get_logger()``, with the
facts as keyword arguments and an unexpected error as ``exc_info``. Never said:
tokens, passwords, the content of messages. What slips into a line all the same
is blotted out here, as far as it can be recognised.
"""

import logging
import logging.config
import re
import secrets
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TextIO

import asyncpg
import structlog
from structlog.contextvars import bind_contextvars, get_contextvars, reset_contextvars
from structlog.typing import EventDict, Processor, WrappedLogger

OURS = (
    "execution",
    "loaders",
    "migrations",
    "realtime",
    "resolvers",
    "schema",
    "server",
    "storage",
    "web",
)

LONGEST_MESSAGE = 300
"""Characters of an exception's message; beyond, it is somebody's data."""
DEEPEST = 40
"""The innermost calls of a stack are told, no more."""

_SECRET_FIELDS = frozenset({"authorization", "token", "password", "secret", "content", "variables"})
_SECRETS = (
    (re.compile(r"eyJ[\w-]{6,}\.[\w-]*(\.[\w-]*)?"), "[token]"),
    (re.compile(r"(://[^/\s:@]*):[^\s@]*@"), r"\1:[password]@"),
    (re.compile(r"(?i)(x-amz-(?:signature|credential|security-token)=)[^&\s]+"), r"\1[signed]"),
)


def configure(
    level: Literal["debug", "info", "warning", "error"], shape: str, to: TextIO | None = None
) -> None:
    """Send every line, our own and those of libraries, to the standard error or ``to``.

    ``shape`` is "json", an object a line, or "console", for people. Libraries are
    heard from warnings on; uvicorn from "info" on, though never for each request.
    """
    to = to or sys.stderr
    renderer: Processor
    if shape == "json":
        renderer = structlog.processors.JSONRenderer()
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=to.isatty())
    steps: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _tell_error,
        _blot_secrets,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *steps,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    threshold = level.upper()
    quiet = "ERROR" if level == "error" else "WARNING"
    chatty = threshold if level != "debug" else "INFO"
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": steps,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        renderer,
                    ],
                }
            },
            "handlers": {
                "lines": {"class": "logging.StreamHandler", "stream": to, "formatter": "line"}
            },
            "root": {"level": quiet, "handlers": ["lines"]},
            "loggers": {
                **{name: {"level": threshold} for name in OURS},
                "alembic": {"level": chatty},
                # Without handlers of their own, so that nothing is said twice.
                "uvicorn": {"level": chatty, "handlers": [], "propagate": True},
                "uvicorn.error": {"level": chatty, "handlers": [], "propagate": True},
                "uvicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
            },
        }
    )
    logging.captureWarnings(True)


@contextmanager
def request(request_id: str | None = None) -> Iterator[str]:
    """Give what happens in the block a request id, which every line of it carries: a new one
    unless it has one already.

    One for each HTTP request and each operation on a socket. Tasks started in
    the block inherit it.
    """
    request_id = request_id or secrets.token_hex(8)
    before = bind_contextvars(request_id=request_id)
    try:
        yield request_id
    finally:
        reset_contextvars(**before)


def request_id() -> str | None:
    """The id of the request being answered."""
    return get_contextvars().get("request_id")


def _tell_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Turn ``exc_info`` into the fields ``error``, its type, and ``stack``."""
    told = event.pop("exc_info", None)
    error = told[1] if isinstance(told, tuple) else sys.exc_info()[1] if told is True else told
    if isinstance(error, BaseException):
        event["error"] = _type(error)
        event["stack"] = "".join(_stack(error, set())).rstrip()
    return event


def _stack(error: BaseException, told: set[int]) -> Iterator[str]:
    """As Python shows it, but with no more of its message than may be logged."""
    told.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in told:
        yield from _stack(before, told)
        yield "and from that:\n"
    yield from traceback.format_tb(error.__traceback__, limit=-DEEPEST)
    yield f"{_type(error)}: {_message(error)}\n"
    if isinstance(error, BaseExceptionGroup):
        for number, part in enumerate(error.exceptions, 1):
            yield f"part {number}:\n"
            yield from _stack(part, told)


def _type(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def _message(error: BaseException) -> str:
    if isinstance(error, asyncpg.PostgresError):
        # Its DETAIL shows whole rows, and errors of class 22 the value that was wrong.
        message = "" if error.sqlstate.startswith("22") else str(error.args[0])
        return f"{message} ({error.sqlstate})".strip()
    message = str(error)
    return message if len(message) <= LONGEST_MESSAGE else message[:LONGEST_MESSAGE] + "…"


def _blot_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if name in _SECRET_FIELDS:
            event[name] = "[not logged]"
        elif isinstance(value, str):
            event[name] = _blotted(value)
    return event


def _blotted(text: str) -> str:
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text
