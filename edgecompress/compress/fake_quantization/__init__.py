"""Models in a form that TF-MOT can train with fake quantization: the same function, of layers that it knows."""
