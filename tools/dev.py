#!/usr/bin/env python3
"""Sets up the project on a fresh machine and runs it: `demo` (the main job, end to end), `test`, `setup`, `lock`.

Needs nothing but Python 3.11 to 3.13 with venv: standard library only. Everything is installed into `.venv` in this
checkout, from lock files with hashes (`requirements/`).
"""

import argparse
import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "edgecompress-setup"
DEMO = ROOT / "build" / "demo"
PROCESS_GB = 3  # of memory, for one process of the tests: TensorFlow, and compilers beside it
SUPPORTED = ((3, 11), (3, 14))  # first supported, first unsupported


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "demo", help="train, compress, convert, generate C, compile, run on an emulated Cortex-M4, report"
    )
    test = commands.add_parser("test", help="all tests: the fast ones first")
    test.add_argument("arguments", nargs="*", help="handed to pytest; then only one run, of what you name")
    setup = commands.add_parser("setup", help="only install into .venv")
    setup.add_argument("--for", dest="purpose", choices=("demo", "test"), default="test")
    commands.add_parser("lock", help="resolve the dependencies again and write requirements/*.lock")
    options, rest = parser.parse_known_args()
    if rest and options.command != "test":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if not SUPPORTED[0] <= sys.version_info[:2] < SUPPORTED[1]:
        found = sys.version.split()[0]
        return fail(
            f"Python 3.11 to 3.13 is needed (TensorFlow has no other); this is {found}. Try: python3.12 {sys.argv[0]}"
        )
    if options.command == "lock":
        return lock()
    purpose = {"demo": "demo", "test": "test", "setup": getattr(options, "purpose", "test")}[options.command]
    if not install(purpose):
        return 1
    if options.command == "demo":
        return demo()
    return run_tests([*options.arguments, *rest]) if options.command == "test" else 0


def fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


def python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(purpose: str) -> bool:
    """Makes .venv hold the locked dependencies and this checkout; quick when it does already."""
    wanted = fingerprint(purpose)
    present = STAMP.read_text(encoding="utf-8").split() if STAMP.exists() else []
    if wanted in present:
        return True
    start = time.monotonic()
    if not python().exists():
        print(f"making {VENV.relative_to(ROOT)} …", flush=True)
        venv.create(VENV, with_pip=True, clear=VENV.exists())
    print(f"installing what the {purpose} needs (TensorFlow among it, about 2 GB) …", flush=True)
    pip = [str(python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    steps = (
        [*pip, "--require-hashes", "-r", str(ROOT / "requirements" / f"{purpose}.lock")],
        [*pip, "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    )
    for step in steps:
        if subprocess.run(step, cwd=ROOT).returncode != 0:
            print(f"error: the installation failed; the command was\n  {' '.join(step)}", file=sys.stderr)
            return False
    # the test lock holds all that the demo needs
    done = [wanted, fingerprint("demo")] if purpose == "test" else [wanted]
    STAMP.write_text("\n".join(done), encoding="utf-8")
    print(f"installed in {time.monotonic() - start:.0f} s", flush=True)
    return True


def fingerprint(purpose: str) -> str:
    """Of all that an installation depends on."""
    digest = hashlib.sha256(f"{purpose} {sys.version} {ROOT}".encode())
    for path in (ROOT / "requirements" / f"{purpose}.lock", ROOT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def demo() -> int:
    """Trains the small network of models/digits_cnn.py once, then runs the main job on it."""
    model = DEMO / "model.h5"
    if not model.exists():
        print("training the demo's network on scikit-learn's digits (once) …", flush=True)
        trained = subprocess.run([str(python()), "-m", "models.digits_cnn", "--out", str(DEMO)], cwd=ROOT)
        if trained.returncode != 0:
            return fail("training the demo's network failed")
    command = [
        str(python()),
        "-m",
        "edgecompress",
        "build",
        str(model),
        "--target",
        "nucleo-l4r5zi",
        "--out",
        str(DEMO / "run"),
    ]
    print("edgecompress " + " ".join(command[3:]).replace(f"{ROOT}{os.sep}", ""), flush=True)
    return subprocess.run(command, cwd=ROOT).returncode


def run_tests(arguments: list[str]) -> int:
    """pytest; without arguments the fast tests, then the slow ones, on all cores, and the worse result of both."""
    pytest = [str(python()), "-m", "pytest", "-q", "-rfEs"]
    if arguments:
        return subprocess.run([*pytest, *arguments], cwd=ROOT).returncode
    results = []
    for selection in ("not slow", "slow"):
        print(f"--- tests: {selection}", flush=True)
        parallel = ["-n", str(processes()), "--dist", "loadscope", "--no-loadscope-reorder"]
        results.append(subprocess.run([*pytest, *parallel, "-m", selection], cwd=ROOT).returncode)
        if results[-1] not in (0, 5):  # 5: nothing selected
            break
    return max(0 if result == 5 else result for result in results)


def processes() -> int:
    """One for each core, as far as the memory goes; 0, pytest's own process, where that is one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if hasattr(os, "sysconf"):
        cores = min(cores, round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (PROCESS_GB * 1e9)))
    return cores if cores > 1 else 0


def lock() -> int:
    """Resolves pyproject.toml for every platform and Python version with uv, from inside .venv."""
    if not python().exists():
        venv.create(VENV, with_pip=True)
    if subprocess.run([str(python()), "-m", "pip", "install", "--quiet", "uv"]).returncode != 0:
        return fail("uv could not be installed")
    for purpose, extras in (("demo", ["demo"]), ("test", ["demo", "test"])):
        command = [
            str(python()),
            "-m",
            "uv",
            "pip",
            "compile",
            "--universal",
            "--python-version",
            "3.11",
            "--generate-hashes",
            "--quiet",
            "--no-header",
        ]
        command += ["--no-annotate", "--constraint", "requirements/constraints.txt", "pyproject.toml"]
        command += ["-o", f"requirements/{purpose}.lock"]
        for extra in extras:
            command += ["--extra", extra]
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            return fail(f"the dependencies of the {purpose} could not be resolved")
    return 0


if __name__ == "__main__":
    sys.exit(main())
