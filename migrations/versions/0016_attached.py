"""Sending files, under row-level security."""

from migrations.plain import plain_sql

revision = "0016"
down_revision = "0015"

upgrade, downgrade = plain_sql("0016_attached")
