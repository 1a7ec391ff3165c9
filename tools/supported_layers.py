#!/usr/bin/env python3
"""Writes SUPPORTED_LAYERS.md from the cases in tools/keras_cases; --check says whether it is up to date."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from keras_cases import CASES, Case

FILE = Path(__file__).resolve().parent.parent / "SUPPORTED_LAYERS.md"
HEAD = """# Supported Keras layers

Written by `tools/supported_layers.py` from the small models in `tools/keras_cases`. `tests/conformance/test_keras_layers.py` converts
each with random weights, and compares its C, run on this computer under sanitizers, with TensorFlow Lite Micro byte by byte; where
this does not know an operator, with our reference, which is held against LiteRT's. It sees refused what is said to be.

Equal bytes say nothing of accuracy: many small operators lose more than a few large ones. `build` measures it.

- Recurrent layers are unrolled: every step of a sequence has operators of its own, and a program has at most 2,000. A plain
  LSTM (tanh, sigmoid, no mask, no initial state) becomes one operator, however long the sequence is. Whoever hands a state on from one
  inference to the next scales it: as an output and as an input it has a quantization each.
- What Keras leaves out of inference (dropout, noise, random changes of images) costs nothing.
- Masks of attention (causal ones among them) are additions of -10^9, which leave int8 no steps for anything else: they go through,
  and ruin accuracy.
- Embedding takes its indices as int32, one that lies outside of the table as the nearest inside.

| layer | goes through | refused |
|---|---|---|
"""
WITHOUT_CASES = {
    "code of the user's, or a part of other layers": (
        "AbstractRNNCell", "GRUCell", "InputLayer", "LSTMCell", "Lambda", "Layer", "SimpleRNNCell", "StackedRNNCells", "Wrapper",
    ),
    "text, and tables made before a model runs": (
        "CategoryEncoding", "DenseFeatures", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup", "StringLookup",
        "TextVectorization",
    ),
    "what Keras saves and does not read again": ("SpectralNormalization",),
    "the same, for volumes, as a layer that is listed": ("SpatialDropout3D",),
}  # fmt: skip
"""Layers of Keras that the table leaves out, and what they are."""


def page() -> str:
    layers = dict.fromkeys(case.layer for case in CASES)
    rows = "".join(row([case for case in CASES if case.layer == layer]) for layer in sorted(layers))
    others = "".join(f"- {what}: {', '.join(names)}.\n" for what, names in WITHOUT_CASES.items())
    return f"{HEAD}{rows}\nNot tried:\n\n{others}"


def row(cases: list[Case]) -> str:
    there = ", ".join(case.way or "as usual" for case in cases if not case.refused)
    missing = "; ".join(f"{case.way or 'always'}: try {case.remedy}" for case in cases if case.refused)
    return f"| {cases[0].layer} | {there} | {missing} |\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        return 0 if FILE.exists() and FILE.read_text(encoding="utf-8") == page() else 1
    FILE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
