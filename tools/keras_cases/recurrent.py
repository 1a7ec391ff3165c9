"""Layers that go through sequences step by step, and those that wrap others."""

from keras_cases.case import Case

SEQUENCE = ((5, 4),)
STATES = "initial_state and return_state"
UNMASKED = "sequences of one length without it"


def _with_states(name: str) -> tuple[Case, ...]:
    """States that come in and go out, and a decoder that begins with an encoder's."""
    count = 2 if name == "LSTM" else 1
    shapes = *SEQUENCE, *[(4,)] * count

    def stepping(of, x, *states):  # type: ignore[no-untyped-def]
        return getattr(of, name)(4, return_state=True)(x, initial_state=list(states))

    def decoding(of, x, y):  # type: ignore[no-untyped-def]
        _, *states = getattr(of, name)(4, return_state=True)(x)
        return getattr(of, name)(4)(y, initial_state=states)

    return (
        Case(name, "initial_state", shapes, lambda of, x, *states: getattr(of, name)(4)(x, initial_state=list(states))),
        Case(name, "states in and out", shapes, stepping),
        Case(name, "decoder", (*SEQUENCE, (3, 4)), decoding),
        Case(
            name, "stateful", SEQUENCE, lambda of, x: getattr(of, name)(4, stateful=True)(x), "stateful", STATES, batch=1,
        ),
    )  # fmt: skip


def _of(name: str) -> tuple[Case, ...]:
    def stacked(of, x):  # type: ignore[no-untyped-def]
        return of.Dense(3)(getattr(of, name)(4)(getattr(of, name)(3, return_sequences=True)(x)))

    return (
        Case(name, "", SEQUENCE, lambda of, x: getattr(of, name)(4)(x)),
        Case(name, "return_sequences", SEQUENCE, lambda of, x: getattr(of, name)(4, return_sequences=True)(x)),
        Case(name, "unroll", SEQUENCE, lambda of, x: getattr(of, name)(4, unroll=True)(x)),
        Case(name, "go_backwards", SEQUENCE, lambda of, x: getattr(of, name)(4, go_backwards=True)(x)),
        Case(name, "return_state", SEQUENCE, lambda of, x: of.Dense(2)(getattr(of, name)(4, return_state=True)(x)[-1])),
        Case(name, "stacked", SEQUENCE, stacked),
        Case("Bidirectional", name, SEQUENCE, lambda of, x: of.Bidirectional(getattr(of, name)(4))(x)),
        *_with_states(name),
    )


CASES = (
    *(case for name in ("LSTM", "GRU", "SimpleRNN") for case in _of(name)),
    Case("LSTM", "hard_sigmoid", SEQUENCE, lambda of, x: of.LSTM(4, recurrent_activation="hard_sigmoid")(x)),
    Case("GRU", "reset before", SEQUENCE, lambda of, x: of.GRU(4, reset_after=False)(x)),
    Case("Bidirectional", "sequences", SEQUENCE, lambda of, x: of.Bidirectional(of.GRU(3, return_sequences=True))(x)),
    Case(
        "Bidirectional", "initial_state", (*SEQUENCE, (4,), (4,), (4,), (4,)),
        lambda of, x, *states: of.Bidirectional(of.LSTM(4))(x, initial_state=list(states)),
    ),
    Case("RNN", "of cells", SEQUENCE, lambda of, x: of.RNN([of.SimpleRNNCell(4), of.GRUCell(2)])(x)),
    Case("RNN", "of cells with LSTMCell", SEQUENCE, lambda of, x: of.RNN([of.LSTMCell(4), of.GRUCell(2)])(x)),
    Case("ConvLSTM1D", "", ((3, 6, 2),), lambda of, x: of.ConvLSTM1D(3, 3)(x)),
    Case("ConvLSTM2D", "", ((3, 5, 5, 2),), lambda of, x: of.ConvLSTM2D(3, 3, padding="same")(x)),
    Case(
        "ConvLSTM3D", "", ((2, 4, 4, 4, 2),), lambda of, x: of.ConvLSTM3D(2, 3)(x), "CONV_3D", "ConvLSTM2D",
    ),
    Case("TimeDistributed", "Dense", ((6, 10),), lambda of, x: of.TimeDistributed(of.Dense(4))(x)),
    Case("TimeDistributed", "Conv2D", ((3, 6, 6, 2),), lambda of, x: of.TimeDistributed(of.Conv2D(4, 3))(x)),
    Case("Masking", "", SEQUENCE, lambda of, x: of.LSTM(4)(of.Masking()(x)), "NOT_EQUAL", UNMASKED),
)  # fmt: skip
