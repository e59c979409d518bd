"""Packaged networks: what they are, where they lie, how they come here."""
