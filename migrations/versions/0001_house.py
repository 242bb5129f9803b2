"""The house: channels, their members, messages and the log of what happened."""

from migrations.plain import plain_sql

revision = "0001"
down_revision = None

upgrade, downgrade = plain_sql("0001_house")
