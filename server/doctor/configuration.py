"""The configuration itself: what can be said without asking anybody."""

import os
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec

from server.doctor.report import Report
from server.section import PREFIX, variable
from server.settings import Settings


async def check_configuration(settings: Settings, report: Report) -> None:
    """Settings that are allowed and seldom meant."""
    for name in _unknown_variables():
        near = get_close_matches(name, map(variable, Settings.model_fields), 1)
        report.warn(f"{name} is not a setting" + (f"; is {near[0]} meant?" if near else ""))
    secret = settings.jwt_secret
    if secret is not None and len(set(secret.get_secret_value())) < 10:
        report.warn(f"{variable('jwt_secret')} repeats itself and can be guessed")
    if "*" in settings.allowed_origins:
        report.warn(f"{variable('allowed_origins')} lets the pages of any web site call us")
    if settings.graphiql:
        report.warn(f"{variable('graphiql')} is on: whoever reaches us can use GraphiQL")
    if settings.introspection:
        report.warn(f"{variable('introspection')} is on: strangers can read the schema")
    if settings.mongo_driver == "motor" and find_spec("motor") is None:
        report.wrong(f"{variable('mongo_driver')} is motor, and the extra motor is not installed")
    if not report.findings:
        report.fine("nothing to remark")


def _unknown_variables() -> Iterator[str]:
    known = set(map(variable, Settings.model_fields))
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            yield name
