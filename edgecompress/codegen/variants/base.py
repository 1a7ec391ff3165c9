"""What a kernel made for some processors must say: where it serves, and how an operation is lowered to it."""

from abc import ABC, abstractmethod
from typing import ClassVar

from edgecompress.codegen.features import Features
from edgecompress.codegen.ops.base import KernelCall
from edgecompress.tflite.graph import Graph, Operation


class Variant(ABC):
    """One way to compute an operation faster than the plain kernel, bit for bit the same.

    To add one: a subclass in the file of its processor family, its kernel in `runtime/kernels/` with a twin in plain C
    for every other processor, and its place in the table of `codegen/variants/__init__.py`.
    """

    opcode: ClassVar[str]

    @abstractmethod
    def suits(self, features: Features) -> bool:
        """Whether it is made for processors with these features."""

    @abstractmethod
    def lower(self, graph: Graph, operation: Operation) -> KernelCall | None:
        """The kernel call; None where the operation's shape or numbers are outside what it can do exactly.

        The operation has passed all rules of its operator.
        """
