"""Post-training quantization that holds: activation ranges, weights and biases of a full-integer file, chosen anew.

The converter's integer file says which operators there are and which scales must be equal; its float twin, converted from
the same Keras model, holds the weights (batch norms folded) and computes the activations. Everything here reads those two
and writes a standard integer file: no TensorFlow, and one way to impose a range, a weight or a bias.
"""
