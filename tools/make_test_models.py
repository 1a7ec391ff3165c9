"""Writes the conformance suite's tiny .tflite models into a folder, one file per case (the tests make their own)."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from model_cases import CASES


def main(arguments: list[str] | None = None) -> int:
    """Write the files and say how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the files go; made when it does not exist")
    parser.add_argument(
        "--only", metavar="TEXT", default="", help="only cases whose name contains TEXT (conv_2d-, relu6)"
    )
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    chosen = [case for case in CASES if options.only in case.id]
    for case in chosen:
        (options.folder / f"{case.id}.tflite").write_bytes(case.build())
    print(f"{len(chosen)} models of {len({case.operator for case in chosen})} operators in {options.folder}")
    return 0 if chosen else 1


if __name__ == "__main__":
    raise SystemExit(main())
