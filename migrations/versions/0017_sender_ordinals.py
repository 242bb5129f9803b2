"""The messages of each person in a channel, numbered."""

from migrations.plain import plain_sql

revision = "0017"
down_revision = "0016"

upgrade, downgrade = plain_sql("0017_sender_ordinals")
