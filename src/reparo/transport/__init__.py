"""Points to points: optimal transport, pure mathematics that knows no scenes."""
