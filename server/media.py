"""Media types: in which form a client takes its answers."""

import re

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
MULTIPART = "multipart/mixed"

STREAMS = frozenset({EVENT_STREAM, MULTIPART})

LONGEST_ACCEPT = 2_000
"""Characters that are looked at: reading all that a head has room for takes 60 ms."""

_WEIGHT = re.compile(r"[01](\.\d{0,3})?")


def acceptable(accept: str | None) -> list[str]:
    """Those of our types that the client takes, by its preference: by weight, and where that is
    the same by the order it names them in (RFC 9110, 12.5.1).

    A stream is never sent to those who did not ask for it by its name, nor parts to
    those who expect parts of another kind.
    """
    if not accept:
        return [JSON]
    found: list[tuple[float, str]] = []
    for each in accept[:LONGEST_ACCEPT].split(","):
        name, *rest = (part.strip() for part in each.split(";"))
        parameters = dict(_parameter(part) for part in rest)
        weight = parameters.get("q", "1")
        type = _ours(name.lower(), parameters)
        if type and _WEIGHT.fullmatch(weight) and float(weight):
            found.append((-float(weight), type))
    return list(dict.fromkeys(type for _, type in sorted(found, key=lambda pair: pair[0])))


def _ours(name: str, parameters: dict[str, str]) -> str | None:
    if name in ("*/*", "application/*"):
        return JSON
    if name == MULTIPART:
        return name if parameters.get("subscriptionspec") == "1.0" else None
    return name if name in (JSON, GRAPHQL_RESPONSE, EVENT_STREAM) else None


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')
