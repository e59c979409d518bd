"""The packaged vision transformer: `features` and our own small networks look through it."""
