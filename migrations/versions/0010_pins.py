"""Pinned messages, and the order of reactions."""

from migrations.plain import plain_sql

revision = "0010"
down_revision = "0009"

upgrade, downgrade = plain_sql("0010_pins")
