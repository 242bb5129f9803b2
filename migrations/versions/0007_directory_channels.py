"""Channels that are kept in step with the directory, and whom it places in them."""

from migrations.plain import plain_sql

revision = "0007"
down_revision = "0006"

upgrade, downgrade = plain_sql("0007_directory_channels")
