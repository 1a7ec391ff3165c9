#!/usr/bin/env python3
"""Fit what decoding costs: run every decoder on emulated cores over many tensors and write edgecompress/codecs/costs.json.

python tools/codec_costs.py              # all CPUs; needs qemu-system-arm for Cortex-M55
python tools/codec_costs.py --decoders pairs
python tools/codec_costs.py --check      # only say how far the costs there are off, by decoder and CPU
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from edgecompress import targets
from edgecompress.codecs import CODECS, Encoded
from edgecompress.codecs.coding import JOINT, as_wanted
from edgecompress.codecs.costs import BEGIN, cycles_of, key_of
from edgecompress.codecs.measure import Measured, measure
from edgecompress.codegen.ops.base import Blocks

CPUS = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")
COSTS = Path(__file__).resolve().parent.parent / "edgecompress" / "codecs" / "costs.json"
SHAPES = ((6, 16), (24, 27), (9, 64), (16, 128), (5, 144), (3, 576), (2, 640), (40, 9))
SEED = 3


def matrices() -> Iterator[np.ndarray]:
    """Weights of every kind that a codec is made for, in the shapes of small networks' layers."""
    rng = np.random.default_rng(SEED)
    for shape in SHAPES:
        for spread in (1.5, 4, 11, 25):
            yield clipped(rng.normal(0, spread, shape))
            yield clipped(rng.normal(0, spread, shape) * 2.0 ** rng.integers(-1, 2, (shape[0], 1)))
        for zeros in (0, 0.5, 0.8, 0.95):
            for distinct in (2, 3, 4, 8, 16, 32, 60, 255):
                values = rng.choice(255, distinct, replace=False) - 127
                yield clipped(np.where(rng.random(shape) < zeros, 0, rng.choice(values, shape)))
        for distinct in (12, 200):
            for nonzeros in (1, 2):
                fours = rng.choice(rng.choice(255, distinct, replace=False) - 127, (shape[0], -(-shape[1] // 4), 4))
                fours[..., nonzeros:] = 0
                yield rng.permuted(fours, axis=2).reshape(shape[0], -1)[:, : shape[1]].astype(np.int8)
        yield np.stack([rng.choice(rng.integers(-128, 128, 30), shape[1]) for _ in range(shape[0])]).astype(np.int8)


def clipped(values: np.ndarray) -> np.ndarray:
    return np.clip(np.round(values), -128, 127).astype(np.int8)


def tensors() -> dict[str, list[Encoded]]:
    """By key of the costs."""
    made: dict[str, list[Encoded]] = defaultdict(list)
    for matrix in matrices():
        for codec in CODECS.values():
            encoded = codec.encode(matrix) if codec.decoder else None
            if isinstance(encoded, Encoded):
                made[key_of(encoded)].append(encoded)
                if encoded.lists is not None:
                    lists = replace(encoded, writes="lists", work=encoded.lists)
                    made[key_of(lists)].append(lists)
                if "is_joint" in encoded.parameters:
                    made[key_of(encoded)].append(joint(encoded))
    return dict(sorted(made.items()))


def joint(encoded: Encoded) -> Encoded:
    """The same, decoded for a kernel that takes joint halfwords."""
    return as_wanted(Blocks(np.zeros((1, 4), np.int8), 0, "", (), {}, JOINT), encoded)


def fit(encoded: list[Encoded], measured: list[Measured]) -> dict[str, float]:
    """Cycles of every kind of work, none negative, such that the relative errors are smallest."""
    units: dict[str, float] = {}
    for is_begin in (True, False):
        names = [name for name in encoded[0].work if (name in BEGIN) == is_begin]
        cycles = np.array([(one.begin if is_begin else one.rows).cycles.typical for one in measured], float)
        work = np.array([[one.work.get(name, 0) for name in names] for one in encoded], float)
        used = list(range(len(names)))
        solution = np.zeros(len(names))
        while used:  # without what would be negative
            found = np.linalg.lstsq(work[:, used] / cycles[:, None], np.ones(len(cycles)), rcond=None)[0]
            if (found >= 0).all():
                solution[used] = found
                break
            used.remove(used[int(found.argmin())])
        units |= {name: round(float(value), 3) for name, value in zip(names, solution, strict=True)}
    return units


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    parser.add_argument("--cpus", nargs="+", default=CPUS)
    parser.add_argument("--decoders", nargs="+", help="no others")
    arguments = parser.parse_args()
    made = {key: one for key, one in tensors().items() if one[0].decoder in (arguments.decoders or [one[0].decoder])}
    known = json.loads(COSTS.read_text()) if COSTS.is_file() else {}
    for cpu in arguments.cpus:
        measured = {key: measure(encoded, targets.find(cpu)) for key, encoded in made.items()}
        if not arguments.check:
            known[cpu] = {**known.get(cpu, {}), **{key: fit(made[key], measured[key]) for key in made}}
            COSTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
            cycles_of.__globals__["_costs"].cache_clear()
        for key, encoded in made.items():
            real = np.array([one.begin.cycles.typical + one.rows.cycles.typical for one in measured[key]])
            off = np.array([cycles_of(one, cpu) for one in encoded]) / real - 1
            print(
                f"{cpu:14} {key:20} {len(encoded):3} tensors, off by {off.min():+.1%} to {off.max():+.1%}", flush=True
            )


if __name__ == "__main__":
    main()
