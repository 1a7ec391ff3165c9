"""A model whose every name is an attack, through every command that takes it: names stay text, wherever they stand."""

import json
import re
from html.parser import HTMLParser

import pytest
from ai_edge_litert import schema_py_generated as schema
from fuzzing import damage, keras_files
from model_cases import model_of

NAMES = (
    '*/ #error "\n#error\r??/',
    "../../../../tmp/outside; touch outside `touch outside` $(touch outside) | touch outside",
    "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}{% raw %}",
    "[bold red]markup[/] \x1b]0;title\x07\x1b[2J\x9b31m",
    "\u202egnp.exe\u2066\u200f\u2028\u0000%s%n${HOME}",
    "n" * 300_000,
)
"""For C and its comments, for paths and shells, for pages and templates, for terminals, for readers; and a long one."""
LONGEST_LINE = 400
ACTIVE = {"script", "img", "iframe", "object", "embed", "link", "base", "form"}


@pytest.fixture
def hostile(tmp_path):
    """Two residuals of four operators; every text of the file is one of the names."""
    model = damage.unpack(model_of("add-two_residuals"))
    graph = model.subgraphs[0]
    for place, tensor in enumerate(graph.tensors):
        tensor.name = NAMES[place % len(NAMES)]
    graph.name, model.description = NAMES[2], NAMES[0]
    signature, one = schema.SignatureDefT(), schema.TensorMapT()
    one.name, one.tensorIndex = NAMES[1], int(graph.inputs[0])
    signature.signatureKey, signature.inputs, signature.outputs = NAMES[3], [one], []
    model.signatureDefs = [signature]
    path = tmp_path / "model.tflite"
    path.write_bytes(damage.pack(model))
    return path


def check_shown(text):
    """What a terminal gets: no control but line ends, nothing that turns the direction, no endless line."""
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", text)
    assert max(map(len, text.splitlines())) < LONGEST_LINE


def check_page(text):
    found = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.update({tag, *(name for name, _ in attributes)})  # type: ignore[method-assign]
    parser.feed(text)
    assert "html" in found
    assert not ACTIVE & found
    assert not {name for name in found if name.startswith("on")}
    assert "49" not in re.findall(r"onerror=alert\(2\)&gt;(\d+)", text)


def check_folder(folder):
    """File names are ours; pages show names as text; C holds them in comments of printable ASCII."""
    for path in folder.rglob("*"):
        assert re.fullmatch(r"[\w.+-]+", path.name)
        if path.suffix in (".c", ".h"):
            text = path.read_text(encoding="ascii")
            assert not re.search(r"\?\?/|touch outside[^*]*\n(?!.*\*/)", text)
            assert not re.search(r"^\s*#error", text, re.M)
        elif path.suffix == ".html":
            check_page(path.read_text(encoding="utf-8"))
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))


def test_names_of_a_model_stay_text_in_every_command(cli, hostile, tmp_path):
    run, exported = tmp_path / "run", tmp_path / "exported"
    commands = [
        ("inspect", hostile, "-vv"),
        ("inspect", hostile, "--json", "-"),
        ("shrink", hostile, tmp_path / "shrunk.tflite"),
        ("bench", hostile, "--inputs", "1", "--save", run, "-vv"),
        ("build", hostile, "--out", tmp_path / "built"),
        *(
            ("export", tmp_path / "built", "--format", kind, "--out", exported / kind)
            for kind in ("c", "cmake", "arduino")
        ),
    ]
    before = {path.name for path in tmp_path.parent.iterdir()}
    for command in commands:
        ran = cli(*command)
        assert ran.code == 0, ran.err
        if "--json" in command:
            json.loads(ran.out)
        else:
            check_shown(ran.out + ran.err)
    for folder in (run, tmp_path / "built", exported):
        check_folder(folder)
    assert {path.name for path in tmp_path.parent.iterdir()} == before
    assert not list(tmp_path.rglob("outside*"))


@pytest.mark.parametrize("command", ["inspect", "bench", "build", "shrink"])
def test_names_in_refusals_stay_text(cli, hostile, tmp_path, command):
    """An operator whose name the file gives, on tensors that are named alike."""
    model = damage.unpack(hostile.read_bytes())
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].customCode = NAMES[3] + NAMES[2] + NAMES[4]
    hostile.write_bytes(damage.pack(model))
    out = [tmp_path / "out.tflite"] if command == "shrink" else []
    ran = cli(command, hostile, *out)
    assert ran.code == (0 if command in ("inspect", "shrink") else 6)
    check_shown(ran.out + ran.err)


def test_a_name_of_a_megabyte_is_refused_shortly(cli, hostile):
    model = damage.unpack(hostile.read_bytes())
    model.subgraphs[0].tensors[0].name = "\x1b[31m" * 200_000
    hostile.write_bytes(damage.pack(model))
    ran = cli("inspect", hostile)
    assert ran.code == 3
    check_shown(ran.err)
    assert "impossible size" in ran.err


def keras_file(path):
    """A Keras model whose input and own name are hostile; TensorFlow itself refuses such names of other layers."""
    text = json.dumps(keras_files.description())
    for honest, name in (("image", NAMES[0] + NAMES[3] + NAMES[4]), ("net", NAMES[2])):
        text = text.replace(json.dumps(honest), json.dumps(name))
    path.write_bytes(keras_files.h5_file(json.loads(text)))
    return path


@pytest.mark.slow
def test_names_of_a_keras_model_stay_text_in_every_command(cli, tmp_path):
    model, built = keras_file(tmp_path / "model.h5"), tmp_path / "built"
    for command in (
        ("inspect", model, "-vv"),
        ("inspect", model, "--json", "-"),
        ("build", model, "--random-calibration", "--out", built),
    ):
        ran = cli(*command)
        assert ran.code == 0, ran.err
        if "--json" in command:
            json.loads(ran.out)
        else:
            check_shown(ran.out + ran.err)
    check_folder(built)


@pytest.mark.parametrize("command", ["inspect", "build"])
def test_a_keras_file_that_lies_ends_a_command_with_one_sentence_and_nothing_written(cli, tmp_path, command):
    path = tmp_path / "model.keras"
    path.write_bytes(keras_files.archive().replace(b'"keras_version"', b"[" * 15))
    options = {"inspect": [], "build": ["--random-calibration", "--out", tmp_path / "out"]}
    ran = cli(command, path, *options[command])
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: model.keras")
    assert "Traceback" not in ran.err
    assert not [one for one in tmp_path.rglob("*") if one.suffix in (".h5", ".tflite", ".c", ".html")]
