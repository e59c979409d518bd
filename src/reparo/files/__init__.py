"""Settings and pictures to files and back: the doors to the outside."""
