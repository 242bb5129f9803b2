"""A small company to try Backchannel with."""
