"""Metrics, made-up scenes and tables."""
