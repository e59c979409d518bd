"""A page on this machine to make a scene by hand: objects, meshes, places, step by step."""
