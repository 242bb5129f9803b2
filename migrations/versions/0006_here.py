"""Whom @here calls."""

from migrations.plain import plain_sql

revision = "0006"
down_revision = "0005"

upgrade, downgrade = plain_sql("0006_here")
