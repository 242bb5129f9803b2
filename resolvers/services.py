"""What operations work with: the servers behind them and the rules they keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from loaders.profiles import Profiles
from loaders.roster import Roster
from realtime.live import Live
from resolvers.rates import Rates
from resolvers.turns import Turns
from storage.directory import Directory
from storage.file_types import KNOWN, FileKind
from storage.objects import ObjectStore
from storage.pictures import Pictures
from storage.postgres import Database
from storage.sight import Sight


@dataclass(frozen=True, slots=True)
class UploadRules:
    """What an operator decides about files."""

    types: frozenset[str] = frozenset(KNOWN)
    """What may be sent."""
    most_bytes: Mapping[FileKind, int] = field(
        default_factory=lambda: dict.fromkeys(FileKind, 26_214_400)
    )
    most_open: int = 20
    """Uploads of one person that no message carries."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator decides about what people may do."""

    message_max_length: int = 4_000
    """Characters."""
    message_edit_seconds: int = 0
    """For how long its sender may edit a message; 0 is for ever."""
    receipt_members: int = 100
    """Members of the largest channel in which people are told how far others have read."""
    message_delete_seconds: int = 0
    """For how long its sender may delete a message; 0 is for ever. Who moderates always may."""
    direct_messages: Literal["team", "everybody"] = "team"
    """Whom internal people may write to directly."""
    admins_across_teams: bool = True
    """Whether those who manage members may write to people of any team, and to clients."""
    general_posts: Literal["permission", "everybody"] = "permission"
    """Who may write in general channels: whom the ERP permits it, or everybody inside."""
    super_admin_role: str = "super_admin"
    super_admin_reads_everything: bool = False
    """Whether super admins read what is private without being in it."""
    uploads: UploadRules = field(default_factory=UploadRules)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything an operation may use.

    One for the whole process, whose database shows nobody's channels; each
    operation has it as its viewer may see it.
    """

    database: Database
    directory: Directory
    profiles: Profiles
    roster: Roster
    objects: ObjectStore
    pictures: Pictures
    live: Live
    rates: Rates
    rules: Rules
    housekeeping: Database
    """For what is done for nobody in particular: tidying up, and counting who does how much."""
    turns: Turns = field(default_factory=Turns)

    def seen_by(self, sight: Sight) -> Self:
        """The same for one person: PostgreSQL shows what they see and refuses the rest."""
        return replace(self, database=self.database.seen_by(sight))
