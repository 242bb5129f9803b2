"""Searches that walk on for as long as that fills the page."""

from migrations.plain import plain_sql

revision = "0019"
down_revision = "0018"

upgrade, downgrade = plain_sql("0019_walking_further")
