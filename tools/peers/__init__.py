"""Other engines' tools, run on the same files as ours."""
