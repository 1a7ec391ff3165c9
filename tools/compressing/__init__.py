"""What `tools/compression.py` is made of: data, networks, the rows of its table, and how they are shown."""
