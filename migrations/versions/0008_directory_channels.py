"""Channels that are kept in step with the directory, and whom it places in them."""

from migrations.plain import plain_sql

revision = "0008"
down_revision = "0007"

upgrade, downgrade = plain_sql("0008_directory_channels")
