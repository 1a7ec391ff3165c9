"""How a kernel becomes a product of smaller ones, at which ranks, and which ranks a budget affords."""
