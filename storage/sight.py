"""Who PostgreSQL believes it is working for: the role of a pool, the viewer of a connection.

Its policies decide by these what can be seen and changed at all. They are in
the migrations; docs/security.md says what they promise.
"""

from enum import StrEnum
from typing import NamedTuple

# The viewer goes, whatever else somebody may have set, and who we are is again who we were
# when we connected.
FORGET = ("reset session authorization", "reset role", "reset all")


class Role(StrEnum):
    """As whom a pool works; the migrations say what each may do."""

    APP = "backchannel_app"
    """Operations: sees what the viewer sees that it is told of."""
    LIVE = "backchannel_live"
    """Reads the log for everybody."""
    SYNC = "backchannel_sync"
    """Keeps channels and their members in step with the directory."""
    JANITOR = "backchannel_janitor"
    """Tidies up."""


class Standing(StrEnum):
    """What the policies of the database need to know of a person besides who they are."""

    CLIENT = "client"
    INTERNAL = "internal"
    SUPER_ADMIN = "super_admin"
    AUDITOR = "auditor"
    """A super admin who may read what is private, too."""


class Sight(NamedTuple):
    """For whom a connection is borrowed: it sees what they see."""

    viewer_id: str
    department_id: str = ""
    standing: Standing = Standing.CLIENT


TELL = """
    select
     where concat(
               set_config('backchannel.viewer', $1, true),
               set_config('backchannel.department', $2, true),
               set_config('backchannel.standing', $3, true),
               set_config('plan_cache_mode', 'force_generic_plan', true)
           ) is null
"""
"""Tells a transaction of the viewer, a ``Sight``, until it ends: whoever works in the same session
after it, of whatever pooler, finds nobody. It returns no row.

And it keeps PostgreSQL from planning statements anew for each person. With the policies that takes
some milliseconds, and the plans are the same: ``tests/storage/test_costs.py``.
"""
