"""The life of the database, and the age of its events."""

from migrations.plain import plain_sql

revision = "0003"
down_revision = "0002"

upgrade, downgrade = plain_sql("0003_incarnation")
