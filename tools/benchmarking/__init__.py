"""What `tools/benchmark.py` is made of: our figures, those of others, the bars, and how all of them are shown."""
