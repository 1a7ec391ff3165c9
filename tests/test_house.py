"""The rules of the house that a machine can hold: sizes, imports, who talks, exit codes, packaging, words."""

import ast
import fnmatch
import importlib.util
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from pathlib import Path

import pytest

from edgecompress import errors
from edgecompress.cli import main

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "edgecompress"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
TENSORFLOW = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}
MAY_TRAIN = ("compress", "convert", "load")
MAY_TALK = ("cli",)
MAY_NOT_BE_PACKAGED = {".pyc"}


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name(path):
    return path.relative_to(ROOT).as_posix()


def within(path, folders):
    return path.relative_to(PACKAGE).parts[0] in folders


def test_no_file_is_long():
    sources = [
        *MODULES,
        *(path for kind in ("*.c", "*.h", "*.S", "*.in", "*.jinja", "*.css") for path in PACKAGE.rglob(kind)),
    ]
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    largest = sorted(lengths.items(), key=lambda item: -item[1])[:5]
    assert largest[0][1] <= MOST_LINES, f"largest: {largest}"


def lines_of_code(function):
    """From the signature to the end, the docstring aside."""
    first = function.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return function.end_lineno - function.lineno + 1 - (first.end_lineno - first.lineno + 1 if documented else 0)


def test_no_function_is_long():
    lengths = {
        f"{name(path)}:{node.lineno} {node.name}": lines_of_code(node)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    largest = sorted(lengths.items(), key=lambda item: -item[1])[:5]
    assert largest[0][1] <= MOST_LINES_OF_A_FUNCTION, f"largest: {largest}"


def imported(path):
    """(top package, line) of every import in a file, those by name included."""
    root = tree(path)
    for node in ast.walk(root):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module]
        elif isinstance(node, ast.Call) and re.search(r"import_module|__import__", ast.unparse(node.func)):
            names = [argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant)]
        for full in names:
            yield str(full).partition(".")[0], node.lineno


def test_tensorflow_is_imported_by_the_training_side_only():
    found = [
        f"{name(p)}:{line}"
        for p in MODULES
        if not within(p, MAY_TRAIN)
        for top, line in imported(p)
        if top in TENSORFLOW
    ]
    assert not found


def test_imports_are_absolute():
    found = [name(p) for p in MODULES for node in ast.walk(tree(p)) if isinstance(node, ast.ImportFrom) and node.level]
    assert not found


def test_library_neither_prints_nor_exits():
    found = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "print",
                "sys.exit",
                "exit",
                "quit",
            ):
                found += [] if within(path, MAY_TALK) else [f"{name(path)}:{node.lineno} {ast.unparse(node.func)}"]
    assert not found


def test_nothing_is_unpickled_evaluated_or_run_through_a_shell():
    banned = r"pickle\.loads?|eval|exec|os\.system|os\.popen|yaml\.load|marshal\.loads?"
    found = []
    for path in MODULES:
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call):
                continue
            shell = any(k.arg == "shell" and getattr(k.value, "value", None) for k in node.keywords)
            pickled = any(
                k.arg == "allow_pickle" and getattr(k.value, "value", True) is not False for k in node.keywords
            )
            if re.fullmatch(banned, ast.unparse(node.func)) or shell or pickled:
                found.append(f"{name(path)}:{node.lineno} {ast.unparse(node.func)}")
    assert not found


def test_every_module_says_what_it_is():
    silent = [name(p) for p in MODULES if p.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(p))]
    assert not silent


def test_no_module_is_a_drawer():
    assert not [name(p) for p in MODULES if p.stem in ("utils", "util", "helpers", "misc", "common", "manager")]


def all_errors(kind=errors.EdgecompressError):
    for child in kind.__subclasses__():
        yield child
        yield from all_errors(child)


def test_exit_codes_are_unique():
    import_module("edgecompress.flash.job")  # it has an error of its own: an interruption that tells what was half done
    declared = {kind.__name__: kind.exit_code for kind in all_errors() if "exit_code" in vars(kind)}
    interruptions = [name for name, code in declared.items() if code == errors.INTERRUPTED]
    assert interruptions == ["FlashInterruptedError"]
    codes = [*declared.values(), errors.EdgecompressError.exit_code, errors.INTERNAL_ERROR, 0]
    assert len(set(codes)) == len(codes), declared


def test_every_exit_code_is_documented_in_the_help():
    text = main.EPILOG.partition("Exit codes:")[2]
    documented = {int(code) for code in re.findall(r"\b(\d+) [a-z]", text)}
    used = {kind.exit_code for kind in all_errors()} | {0, errors.INTERNAL_ERROR, errors.INTERRUPTED}
    assert documented == used


def data_files():
    return [
        p
        for p in sorted(PACKAGE.rglob("*"))
        if p.is_file() and p.suffix not in (".py", ".pyc") and "__pycache__" not in p.parts
    ]


def test_every_data_file_is_packaged():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    patterns = settings["package-data"]["edgecompress"]
    paths = [p.relative_to(PACKAGE).as_posix() for p in data_files()]
    forgotten = [
        p
        for p in paths
        if not any(fnmatch.fnmatch(f"/{p}", pattern.replace("**/", "*/")) or p == pattern for pattern in patterns)
    ]
    assert not forgotten


def test_package_has_the_type_marker_that_it_promises():
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.slow
def test_wheel_holds_every_file(tmp_path):
    pytest.importorskip("setuptools", "77")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        tmp_path,
        ROOT,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {name(path) for path in [*MODULES, *data_files()]}
    assert expected <= packed, sorted(expected - packed)
    assert not [file for file in packed if not file.startswith("edgecompress")], "tests or tools are installed too"


def test_list_of_supported_operators_is_that_of_the_rules():
    command = [sys.executable, ROOT / "tools" / "supported_operators.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, "run tools/supported_operators.py"


def project_files():
    folders = ("edgecompress", "tests", "tools", "models", "docs", ".ci", "changelog")
    named = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]
    texts = (".py", ".md", ".toml", ".c", ".h", ".S", ".in", ".jinja", ".css", ".json", ".txt", ".ino", "")
    return [
        p
        for p in [*ROOT.glob("*.*"), *named]
        if p.is_file() and p.suffix in texts and "cache" not in str(p.relative_to(ROOT))
    ]


def test_every_test_file_has_a_name_of_its_own():
    """pytest imports them by their bare names."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert sorted(names) == sorted(set(names))


def test_no_file_names_a_place_of_somebodys_computer():
    places = re.compile(
        "|".join("/" + place + r"\b(?!-)" for place in ("work", "home/[a-z]", "root/", "tmp/probe", "Users"))
    )
    found = []
    for path in project_files():
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        found += [
            f"{name(path)}:{number} {line.strip()[:100]}" for number, line in enumerate(lines, 1) if places.search(line)
        ]
    assert not found


def test_emitted_c_is_licensed_as_its_users_need_it():
    emitted = [
        p for folder in ("runtime", "templates") for p in (PACKAGE / "codegen" / folder).rglob("*") if p.is_file()
    ]
    emitted = [p for p in emitted if p.suffix in (".c", ".h", ".S", ".in")]
    assert len(emitted) > 20
    unlicensed = [
        name(p) for p in emitted if "SPDX-License-Identifier: Apache-2.0 OR 0BSD" not in p.read_text().splitlines()[0]
    ]
    assert not unlicensed


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [("ruff", "check", "edgecompress", "tools", "models", "tests"), ("mypy", "edgecompress")]
)
def test_linter_and_type_checker_are_content(command):
    if importlib.util.find_spec(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
