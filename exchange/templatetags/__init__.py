"""Template filters of the composition root.
Found by Django."""
