"""What operations work with: the servers behind them and the rules they keep."""

from dataclasses import dataclass
from typing import Literal

from loaders.profiles import Profiles
from realtime.live import Live
from storage.directory import Directory
from storage.objects import ObjectStore
from storage.postgres import Database


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator decides about what people may do."""

    message_max_length: int = 4_000
    """Characters."""
    direct_messages: Literal["team", "everybody"] = "team"
    """Whom internal people may write to directly; admins may always write to everybody."""
    super_admin_role: str = "super_admin"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything an operation may use; one for the whole process."""

    database: Database
    directory: Directory
    profiles: Profiles
    objects: ObjectStore
    live: Live
    rules: Rules
