"""Sidebars and presence."""

from migrations.plain import plain_sql

revision = "0004"
down_revision = "0003"

upgrade, downgrade = plain_sql("0004_live")
