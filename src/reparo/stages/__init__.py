"""The backends, one folder a stage, one file a backend."""
