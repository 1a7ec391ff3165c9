"""What becomes of single weights: which are zero, which share a value, how many bits number them."""
