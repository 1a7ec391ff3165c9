"""Activations, as layers of their own and by name within others."""

from keras_cases.case import Case

VECTOR, IMAGE = ((10,),), ((6, 6, 3),)
BY_NAME = (
    "relu", "elu", "selu", "gelu", "swish", "hard_sigmoid", "tanh", "sigmoid", "softmax", "exponential",
    "softplus", "softsign", "mish",
)  # fmt: skip


def _named(name: str) -> tuple[Case, Case]:
    return (
        Case("Activation", name, IMAGE, lambda of, x: of.Activation(name)(x)),
        Case("Dense", f"activation {name}", VECTOR, lambda of, x: of.Dense(8, activation=name)(x)),
    )


CASES = (
    *(case for name in BY_NAME for case in _named(name)),
    Case("Activation", "linear", VECTOR, lambda of, x: of.Dense(3)(of.Activation("linear")(x))),
    Case("ReLU", "", IMAGE, lambda of, x: of.ReLU()(x)),
    Case("ReLU", "max 6", IMAGE, lambda of, x: of.ReLU(6.0)(x)),
    Case("ReLU", "max 1", IMAGE, lambda of, x: of.ReLU(1.0)(x)),
    Case("ReLU", "max 2", IMAGE, lambda of, x: of.ReLU(2.0)(x)),
    Case("ReLU", "slope", IMAGE, lambda of, x: of.ReLU(negative_slope=0.1)(x)),
    Case("ReLU", "threshold", IMAGE, lambda of, x: of.ReLU(threshold=0.3)(x)),
    Case("ReLU", "all three", IMAGE, lambda of, x: of.ReLU(2.0, 0.1, 0.3)(x)),
    Case("LeakyReLU", "", IMAGE, lambda of, x: of.LeakyReLU(0.2)(x)),
    Case("ELU", "", IMAGE, lambda of, x: of.ELU()(x)),
    Case("ELU", "alpha", IMAGE, lambda of, x: of.ELU(0.5)(x), "ELU", "alpha = 1, or LeakyReLU"),
    Case("PReLU", "", IMAGE, lambda of, x: of.PReLU()(x)),
    Case("PReLU", "shared axes", IMAGE, lambda of, x: of.PReLU(shared_axes=[1, 2])(x)),
    Case("ThresholdedReLU", "", IMAGE, lambda of, x: of.ThresholdedReLU(0.5)(x)),
    Case("Softmax", "", ((4, 6),), lambda of, x: of.Softmax()(x)),
    Case("Softmax", "axis 1", ((4, 6),), lambda of, x: of.Softmax(axis=1)(x)),
    Case("Softmax", "two axes", ((4, 6),), lambda of, x: of.Softmax(axis=(1, 2))(x)),
)  # fmt: skip
