"""One conformance case: a tiny model with one operator under test, and where LiteRT is known to differ from TFLM."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

LITERT_EXACT, LITERT_REFUSES, LITERT_DIFFERS = 0, -1, 65_535


@dataclass(frozen=True)
class Case:
    """A row of the table.

    Attributes:
        operator: the operator under test, by TFLite's name.
        name: what is special about the case.
        build: makes the .tflite file's bytes; the same ones every time.
        litert: by how many LSB LiteRT's reference kernels may differ from TFLM; LITERT_DIFFERS: by any number;
            LITERT_REFUSES: they refuse the model.
        why: the reason, where `litert` is not LITERT_EXACT.
        reference: the executor whose bytes are the right ones: "litert" for what TFLM does not know; "numpy" for what
            neither computes as it was.
    """

    operator: str
    name: str
    build: Callable[[], bytes]
    litert: int = LITERT_EXACT
    why: str = ""
    reference: Literal["tflm", "litert", "numpy"] = "tflm"

    @property
    def id(self) -> str:
        return f"{self.operator.lower()}-{self.name}"
