"""How inputs are changed: models field by field, operator by operator and byte by byte; other files byte by byte, archives also
inside, with sums that are right again."""

import copy
import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fuzzing import damage

LARGEST_UNPACKED = 100_000
"""Bytes of a file that is taken apart: damaged vectors may unfold."""
Bytewise = Callable[[bytes, int], bytes]


class Mutator:
    """Changes files of one kind.

    Args:
        others: models that may be joined to the one that is changed; none for files that are no models.
        bytewise: the engine's own change, from the bytes and the largest size.
    """

    def __init__(self, others: Sequence[bytes], bytewise: Bytewise) -> None:
        self._others = others
        self._bytewise = bytewise

    def __call__(self, content: bytes, largest: int, seed: int) -> bytes:
        generator = np.random.default_rng(seed)
        way = generator.random()
        if self._others and way < 0.75 and len(content) < LARGEST_UNPACKED:
            change = self.joined if way < 0.1 else damage.change_fields
            changed = _tried(change, content, generator)
            if changed is not None and len(changed) <= largest:
                return changed
        if content.startswith(b"PK") and way < 0.7:
            changed = _tried(self.inside, content, generator)
            if changed is not None and len(changed) <= largest:
                return changed
        if way < 0.9 or len(content) < 16:
            return self._bytewise(content, largest)
        return damage.flip_bits(content, generator)

    def inside(self, content: bytes, generator: np.random.Generator) -> bytes:
        """An archive with one of its members changed."""
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = {
                info.filename: archive.read(info) for info in archive.infolist() if info.file_size < LARGEST_UNPACKED
            }
        chosen = damage.pick(sorted(members), generator)
        members[chosen] = self._bytewise(members[chosen], LARGEST_UNPACKED)
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name, member in members.items():
                archive.writestr(name, member)
        return stream.getvalue()

    def joined(self, content: bytes, generator: np.random.Generator) -> bytes:
        """Another model behind this one, which reads its output."""
        model = damage.unpack(content)
        result = model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]]
        for _ in range(50):
            other = damage.unpack(damage.pick(self._others, generator))
            graph = other.subgraphs[0]
            taken = graph.tensors[graph.inputs[0]]
            if list(taken.shape) == list(result.shape) and taken.type == result.type:
                break
        join(model, other)
        return damage.pack(model)


def join(model: Any, other: Any) -> None:
    """Appends another model's operators to a model; what was its first input is now the model's first output."""
    ours, theirs = model.subgraphs[0], copy.deepcopy(other.subgraphs[0])
    tensors, buffers, codes = len(ours.tensors), len(model.buffers), len(model.operatorCodes)
    result, taken = int(ours.outputs[0]), int(theirs.inputs[0])

    def moved(index: int) -> int:
        return result if index == taken else index if index < 0 else index + tensors

    for tensor in theirs.tensors:
        tensor.buffer += buffers
    for operator in theirs.operators:
        operator.opcodeIndex += codes
        operator.inputs = [moved(int(i)) for i in operator.inputs]
        operator.outputs = [moved(int(i)) for i in operator.outputs]
    ours.tensors, ours.operators = [*ours.tensors, *theirs.tensors], [*ours.operators, *theirs.operators]
    model.buffers, model.operatorCodes = [*model.buffers, *other.buffers], [*model.operatorCodes, *other.operatorCodes]
    ours.inputs = [*ours.inputs, *(moved(int(i)) for i in theirs.inputs[1:])]
    ours.outputs = [*(moved(int(i)) for i in theirs.outputs), *ours.outputs[1:]]


def _tried(
    change: Callable[[bytes, np.random.Generator], bytes | None], content: bytes, generator: np.random.Generator
) -> bytes | None:
    """The changed file; None where it is too damaged to be taken apart, or no file can say what it became."""
    try:
        return change(content, generator)
    except Exception:  # the schema's accessors check nothing
        return None
