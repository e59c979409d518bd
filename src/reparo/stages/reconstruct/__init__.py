"""Backends of the stage `reconstruct`."""
