"""Which channels of a model go together, which matter least, how many go under a budget, and the model without them."""
