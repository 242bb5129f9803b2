"""Servers to be measured against: each a program that listens on the port it is told."""
