"""Example networks: one file each, whose docstring is its card, with `build`, its recipe and how it is trained."""
