"""Help is complete, immediate, and costs no import."""

import resource
import subprocess
import sys

import click
import pytest

from edgecompress.cli.main import COMMANDS, EPILOG
from edgecompress.cli.main import cli as group

HEAVY = ("numpy", "rich", "jinja2", "tensorflow", "tf_keras", "unicorn", "capstone", "ai_edge_litert")


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_has_examples_that_call_it(cli, name):
    ran = cli(name, "--help")
    assert ran.code == 0
    examples = ran.out.partition("Examples:")[2].strip().splitlines()
    assert examples
    assert any(line.strip().startswith(f"edgecompress {name}") for line in examples)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_json_verbose_and_help(cli, name):
    ran = cli(name, "--help")
    for option in ("--json FILE", "-v, --verbose", "--help"):
        assert option in ran.out
    assert cli(name, "-h").out == ran.out


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_use_options_that_exist(name):
    command = cli_command(name)
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for line in (command.epilog or "").splitlines():
        if line.strip().startswith(f"edgecompress {name}"):
            used = {word.partition("=")[0] for word in line.split("#")[0].split() if word.startswith("--")}
            assert used <= known, line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name):
    for parameter in cli_command(name).params:
        if isinstance(parameter, click.Option):
            obvious = isinstance(parameter.type, click.Choice)
            assert parameter.help or obvious, parameter.name


def cli_command(name):
    return group.get_command(click.Context(group), name)


def test_help_lists_every_command_and_every_exit_code(cli):
    ran = cli("--help")
    assert ran.code == 0
    assert all(name in ran.out for name in COMMANDS)
    assert "Exit codes:" in ran.out
    assert "Exit codes:" in EPILOG


def test_short_help_of_each_command_is_a_sentence_of_its_own_help(cli):
    for name, sentence in COMMANDS.items():
        assert sentence.endswith("."), name


def test_version_is_that_of_the_package(cli):
    from importlib.metadata import version

    assert cli("--version").out.strip().endswith(version("edgecompress"))


def test_without_arguments_help_is_shown(cli):
    ran = cli()
    assert "Commands" in ran.out + ran.err


IMPORTED = """
import sys
from edgecompress.cli.main import main
names = sys.argv.pop().split(",")
try:
    main()
except SystemExit as end:
    print(sorted(set(names) & set(sys.modules)), file=sys.stderr)
    raise
"""


@pytest.mark.parametrize("arguments", [["--help"], ["bench", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    done = python("-c", IMPORTED, *arguments, ",".join(HEAVY))
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"


def test_help_takes_less_than_three_tenths_of_a_second_of_processor_time():
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert python("-m", "edgecompress", "--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.3


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False)
