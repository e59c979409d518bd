"""Backends of the stage `depth`."""
