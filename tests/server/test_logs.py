import asyncio
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
import uvicorn

from server import logs

log = structlog.get_logger("server.test")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what ``configure`` does to the whole process."""
    loggers = [
        logging.root,
        *map(logging.getLogger, ("uvicorn", "uvicorn.error", "uvicorn.access")),
    ]
    loggers += map(logging.getLogger, logs.OURS)
    before = [(each, each.level, each.handlers[:], each.propagate) for each in loggers]
    yield
    logging.captureWarnings(False)
    structlog.reset_defaults()
    for each, level, handlers, propagate in before:
        each.setLevel(level)
        each.handlers[:] = handlers
        each.propagate = propagate


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    out, err = capsys.readouterr()
    assert out == ""
    return [json.loads(line) for line in err.splitlines()]


def test_a_line_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    log.info("two\nlines", channel="\ud800", number=2, other=object)
    log.debug("not this")
    (line,) = lines(capsys)
    assert line["event"] == "two\nlines"
    assert line["channel"] == "\ud800"
    assert line["number"] == 2
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


async def test_every_line_of_a_request_carries_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    async def answer() -> str:
        with logs.request() as request_id:
            assert logs.request_id() == request_id
            log.info("begun")
            await asyncio.sleep(0)
            await asyncio.create_task(say())
            return request_id

    async def say() -> None:
        logging.getLogger("somebody.else").warning("said by a library, in a task")

    ids = await asyncio.gather(answer(), answer())
    assert logs.request_id() is None
    log.info("outside")
    told = lines(capsys)
    assert len(set(ids)) == 2
    for request_id in ids:
        assert sum(line.get("request_id") == request_id for line in told) == 2
    assert "request_id" not in told[-1]


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    with logs.request() as request_id:
        try:
            try:
                raise KeyError("inner")
            except KeyError as inner:
                raise ExceptionGroup("several", [ValueError("one"), OSError("two")]) from inner
        except ExceptionGroup as error:
            log.error("unexpected error", exc_info=error)
    (line,) = lines(capsys)
    assert line["request_id"] == request_id
    assert line["error"] == "ExceptionGroup"
    assert "test_an_error_is_one_line" in line["stack"]
    for part in ("KeyError: 'inner'", "ValueError: one", "OSError: two"):
        assert part in line["stack"]


def test_an_error_that_causes_itself_ends(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    log.error("unexpected error", exc_info=one)
    assert len(lines(capsys)) == 1


def test_endless_recursion_is_told_briefly(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    def again(n: int) -> int:
        return other(n) + 1

    def other(n: int) -> int:
        return again(n) + 1

    try:
        again(0)
    except RecursionError:
        log.exception("unexpected error")
    (line,) = lines(capsys)
    assert len(line["stack"]) < 8000


def test_secrets_are_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    for shape in ("json", "console"):
        logs.configure("info", shape)
        log.warning(
            "refused %s",
            TOKEN,
            token="hunter2",
            authorization="hunter2",
            content="hunter2",
            url="postgresql://chat:hunter2@db/chat",
            link="https://s3/b/k?X-Amz-Credential=hunter2&X-Amz-Signature=hunter2",
        )
        logging.getLogger("library").warning("cannot reach %s", "mongodb://a:hunt:er2@h/x")
        try:
            raise RuntimeError(f"no such token: {TOKEN}; wss://user:hunter2@h")
        except RuntimeError as error:
            log.error("unexpected error", exc_info=error)
        out, err = capsys.readouterr()
        assert out == ""
        assert "hunter2" not in err
        assert "er2" not in err
        assert TOKEN[24:] not in err
        assert "refused" in err


def test_an_error_of_postgres_does_not_tell_the_row(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    check = asyncpg.CheckViolationError('new row violates "messages_check"')
    check.detail = "Failing row contains (the content of a message)."
    data = asyncpg.DataError("invalid input for query argument $1: 'the content of a message'")
    for error in (check, data, ValueError("x" * 300 + "the content of a message")):
        log.error("unexpected error", exc_info=error)
    told = lines(capsys)
    assert "the content" not in json.dumps(told)
    assert 'new row violates "messages_check" (23514)' in told[0]["stack"]
    assert "asyncpg.exceptions.DataError: (22000)" in told[1]["stack"]
    assert len(told[2]["stack"]) < 320


def test_libraries_are_heard_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", "json")
    log.debug("ours")
    logging.getLogger("botocore").debug("the request with its headers")
    logging.getLogger("botocore").info("a detail")
    logging.getLogger("botocore").warning("trouble")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    told = [line["event"] for line in lines(capsys)]
    assert told[:2] == ["ours", "trouble"]
    assert "DeprecationWarning: old" in told[2]
    assert len(told) == 3


def test_people_read_a_stack_below_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "console")
    try:
        raise ValueError("wrong")
    except ValueError:
        log.exception("unexpected error")
    first, *stack = capsys.readouterr().err.splitlines()
    assert "unexpected error" in first
    assert stack[-1] == "ValueError: wrong"


async def test_uvicorn_says_everything_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        with logs.request():
            raise LookupError(scope["path"])

    config = uvicorn.Config(app, port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{port}/nowhere")
    await server.shutdown()
    assert answer.status_code == 500
    told = lines(capsys)
    assert [line["event"] for line in told if "running on" in line["event"]]
    (error,) = (line for line in told if line["level"] == "error")
    assert error["error"] == "LookupError"
    assert "/nowhere" in error["stack"]
    assert not [line for line in told if "GET" in line["event"]]
    assert len({line["event"] for line in told}) == len(told)
