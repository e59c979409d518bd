"""Backends of the stage `features`."""
