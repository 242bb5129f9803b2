"""What ``/readyz`` and ``doctor`` both want to know of a server, and how they say it.

``/readyz`` answers strangers, so a line is made of fixed words: never an
address, a name, a password or what a server wrote in its own words.
"""

import errno
import json
import socket
import ssl
from collections.abc import Iterator
from typing import Any, Protocol
from urllib.error import HTTPError, URLError

import asyncpg
import botocore.exceptions as boto
import jwt
import pymongo.errors as mongo

from storage.errors import Refusal
from storage.lines import UnfitLineError

LATE = "gave no answer in time"
REFUSED = "nothing listens at its address"
UNKNOWN = "its host name is not known"
CLOSED = "closed the connection"
NO_TLS = "a TLS connection to it is not possible"
UNTRUSTED = "its TLS certificate is not trusted"
UNREADABLE = "its address cannot be read"
NO_SCHEMA = "has no schema yet: run backchannel migrate"
WRONG_LOGIN = "refuses the user name or the password"


class UnfitError(Exception):
    """The server answers and yet cannot be used; the message is the line to show."""


class Database(Protocol):
    """A pool, a connection or whatever else runs a statement."""

    async def fetchval(self, query: str, *args: Any) -> Any:
        """The first column of the first row."""


async def schema(database: Database, head: str) -> str:
    """The revision of the schema. Raises UnfitError if it is older than ``head``.

    Newer it is while a new release replaces this one: its migrations run before
    its processes start, and until then we go on.
    """
    try:
        revision = await database.fetchval("select version_num from alembic_version")
    except asyncpg.UndefinedTableError:
        revision = None
    except asyncpg.InsufficientPrivilegeError:
        # The role is another database's of this cluster; this one has granted it nothing yet.
        raise UnfitError(f"has not the schema {head}: run backchannel migrate") from None
    if revision is None:
        raise UnfitError(NO_SCHEMA)
    if revision < head:
        raise UnfitError(f"has the schema {revision} and needs {head}: run backchannel migrate")
    return str(revision)


def explain(error: BaseException) -> str:
    """What an attempt to use a server failed of: a predicate, such as "closed the connection"."""
    for link in _chain(error):
        line = _line(link)
        if line is not None:
            return line
    return f"cannot be used ({type(error).__name__})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it. Libraries wrap what we want to know several times over."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        wrapped = error.reason if isinstance(error, URLError) else None
        error = wrapped if isinstance(wrapped, OSError) else error.__cause__ or error.__context__


def _line(error: BaseException) -> str | None:
    match error:
        case UnfitError() | UnfitLineError():
            return str(error)
        case Refusal() if error.__cause__ is None:
            # What was known already, and not tried again.
            return "is out of reach"
        case asyncpg.PostgresError():
            return _of_postgres(error)
        case mongo.PyMongoError():
            return _of_mongo(error)
        case boto.BotoCoreError() | boto.ClientError():
            return _of_s3(error)
        case jwt.PyJWKClientConnectionError():
            return None
        case jwt.PyJWTError() | json.JSONDecodeError() | UnicodeDecodeError():
            return "does not answer with a key set"
        case HTTPError():
            return f"answers with status {error.code}"
        case URLError() | asyncpg.InternalClientError():
            return None
        case asyncpg.InterfaceError():
            return UNREADABLE if isinstance(error, ValueError) else CLOSED
        case ValueError():
            return UNREADABLE
        case OSError() if not isinstance(error.__cause__, OSError):
            return _of_network(error)
    return None


def _of_network(error: OSError) -> str:
    match error:
        case TimeoutError():
            return LATE
        case socket.gaierror():
            return UNKNOWN
        case ConnectionRefusedError():
            return REFUSED
        case ssl.SSLCertVerificationError():
            return UNTRUSTED
        case ssl.SSLError():
            return NO_TLS
        case ConnectionError():
            return NO_TLS if "SSL" in str(error) else CLOSED  # asyncpg says it in words only
    return f"cannot be reached ({errno.errorcode.get(error.errno or 0, 'unknown error')})"


def _of_postgres(error: asyncpg.PostgresError) -> str:
    match error:
        case asyncpg.InvalidPasswordError():
            return WRONG_LOGIN
        case asyncpg.InvalidAuthorizationSpecificationError():
            return "does not admit this user from here, or not without TLS"
        case asyncpg.InvalidCatalogNameError():
            return "has no such database"
        case asyncpg.InsufficientPrivilegeError():
            return "does not allow this user to do that"
        case asyncpg.TooManyConnectionsError():
            return "has no connection free"
        case asyncpg.CannotConnectNowError() | asyncpg.AdminShutdownError():
            return "is starting or stopping"
        case asyncpg.QueryCanceledError():
            return LATE
    return f"answers with error {error.sqlstate}"


def _of_mongo(error: mongo.PyMongoError) -> str:
    match error:
        case mongo.InvalidURI():
            return UNREADABLE
        case mongo.ConfigurationError():
            return "its address does not exist or has a wrong option"
        case mongo.ExecutionTimeout():
            return LATE
        case mongo.OperationFailure():
            if error.code in (18, 8000):
                return WRONG_LOGIN
            if error.code == 13:
                return "does not allow this user to read that"
            return f"answers with error {error.code}"
        case mongo.ConnectionFailure():
            # What happened is told in words only, one after the other for each server of a set.
            text = str(error)
            for words, line in _MONGO_WORDS:
                if words in text:
                    return line
            return LATE if isinstance(error, mongo.ServerSelectionTimeoutError) else CLOSED
    return f"cannot be used ({type(error).__name__})"


_MONGO_WORDS = (
    ("CERTIFICATE_VERIFY_FAILED", UNTRUSTED),
    ("SSL", NO_TLS),
    ("Connect call failed", REFUSED),
    ("refused", REFUSED),
    ("Name or service not known", UNKNOWN),
    ("nodename nor servname", UNKNOWN),
    ("No address associated", UNKNOWN),
    ("Temporary failure in name resolution", UNKNOWN),
    ("Message length", "does not speak MongoDB's protocol"),
)


def _of_s3(error: boto.BotoCoreError | boto.ClientError) -> str | None:
    match error:
        case boto.NoCredentialsError() | boto.CredentialRetrievalError():
            return "was not asked: no credentials were found"
        case boto.PartialCredentialsError():
            return "was not asked: only half of the credentials were found"
        case boto.ParamValidationError():
            return "cannot have a bucket of this name"
        case boto.ConnectTimeoutError() | boto.ReadTimeoutError():
            return LATE
        case boto.ClientError():
            return _of_s3_answer(error)
    return None


def _of_s3_answer(error: boto.ClientError) -> str:
    answer = error.response.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", 0)
    region = answer.get("HTTPHeaders", {}).get("x-amz-bucket-region", "")
    if status in (301, 400) and region:
        return "keeps the bucket in another region than the settings say"
    if status == 404:
        return "has no such bucket"
    if status in (401, 403):
        return "refuses the credentials, or does not let them use the bucket"
    return f"answers with status {status}"
