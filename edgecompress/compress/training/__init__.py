"""How passes train and judge: samples, losses, teachers, and what keeps promises meanwhile."""
