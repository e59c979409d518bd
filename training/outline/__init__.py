"""The full-mask head: from an object's visible part and what is in front to its whole outline."""
