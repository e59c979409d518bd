"""Where the objects go: the heart."""
