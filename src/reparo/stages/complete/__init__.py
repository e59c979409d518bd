"""Backends of the stage `complete`."""
