"""The three servers Backchannel needs, as child processes: for the demo and the tests."""
