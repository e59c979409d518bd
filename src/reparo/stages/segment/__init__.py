"""Backends of the stage `segment`."""
