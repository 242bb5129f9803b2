"""URLs of PostgreSQL, as libpq and with it psycopg reads them."""

from urllib.parse import parse_qsl, quote, urlencode

import psycopg


def libpq_url(database_url: str) -> str:
    """The same database for psycopg as asyncpg would connect to.

    Both read the same URLs but for one thing: asyncpg takes any parameter it
    does not know for a server setting, where libpq refuses it.
    """
    server, _, parameters = database_url.partition("?")
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    query: dict[str, str] = {}
    settings: list[str] = []
    for key, value in parse_qsl(parameters, keep_blank_values=True):
        name = "dbname" if key == "database" else key
        if name == "options":
            settings.append(value)
        elif name in known:
            query[name] = value
        else:
            escaped = value.replace("\\", "\\\\").replace(" ", "\\ ")
            settings.append(f"-c {key}={escaped}")
    if settings:
        query["options"] = " ".join(settings)
    # libpq decodes %20 but leaves a + as it is.
    return f"{server}?{urlencode(query, quote_via=quote)}"
