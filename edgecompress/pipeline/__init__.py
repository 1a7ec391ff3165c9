"""The stages in order: what `build` and `bench` do, and the run directory that they leave."""
