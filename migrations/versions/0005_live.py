"""Sidebars and presence."""

from migrations.plain import plain_sql

revision = "0005"
down_revision = "0004"

upgrade, downgrade = plain_sql("0005_live")
