"""Makes the data and trains the small networks that Reparo ships; not part of the wheel."""
