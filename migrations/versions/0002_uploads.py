"""Uploads: from a browser's form to a message, and what is left to tidy up."""

from migrations.plain import plain_sql

revision = "0002"
down_revision = "0001"

upgrade, downgrade = plain_sql("0002_uploads")
