"""Recipes: layers, errors that name file and key, the text form of passes, hostile files."""

import contextlib
import pickle
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecompress import recipe
from edgecompress.errors import RecipeError
from edgecompress.recipe import PassSpec, Recipe, parse_passes, print_passes, print_recipe

GOOD = """
passes = "prune{sparsity=0.6},qat{epochs=3}"

[data]
source = "samples.npz"
scale = [0.5, 1, 2.0]
reshape = [50, 1, 6]

[data.split]
group = "subject"
groups = {test = [14, "s15"]}

[training]
epochs = 4
learning_rate = 1e-3

[build]
target = "cortex-m4"
"""


def write(folder: Path, text: str | bytes, name: str = "model.toml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path | None, overrides: dict[str, object] | None = None) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        recipe.load(path, overrides)
    return caught.value


def test_package_defaults_agree_with_the_dataclasses() -> None:
    assert recipe.load() == Recipe()


def test_file_goes_over_defaults_and_command_line_over_file(tmp_path: Path) -> None:
    loaded = recipe.load(
        write(tmp_path, GOOD), {"training.epochs": 9, "build.seed": None, "passes": "cluster{clusters=16}"}
    )
    assert loaded.training.epochs == 9
    assert loaded.training.learning_rate == 1e-3
    assert loaded.build == recipe.BuildRecipe(target="cortex-m4")
    assert loaded.data.scale == (0.5, 1.0, 2.0)
    assert loaded.data.split.groups.test == (14, "s15")
    assert loaded.data.split.validation == 0.15
    assert loaded.passes == (PassSpec("cluster", {"clusters": 16}),)


def test_calibration_samples_of_convert_sets_the_size_of_the_calibration_split(tmp_path: Path) -> None:
    assert recipe.load(None, {"convert.calibration_samples": 77}).data.split.calibration == 77
    both = {"convert.calibration_samples": 77, "data.split.calibration": 100}
    assert recipe.load(None, both).data.split.calibration == 100


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("[training]\nepoch = 3", "model.toml: unknown key training.epoch", "training.epochs"),
        ("[trainig]\nepochs = 3", "model.toml: unknown key trainig", "training"),
        ("[data.split]\ngrup = 's'", "model.toml: unknown key data.split.grup", "data.split.group"),
        ("[training]\nepochs = 'many'", "model.toml: training.epochs must be a whole number", ""),
        ("[training]\nepochs = true", "model.toml: training.epochs must be a whole number", ""),
        ("[training]\nepochs = -1", "model.toml: training.epochs must be at least 0", ""),
        ("[training]\nlearning_rate = 0", "model.toml: training.learning_rate must be above 0", ""),
        ("[training]\nlearning_rate = nan", "model.toml: training.learning_rate must be a finite number", ""),
        ("[training]\nloss = 'crossentropy'", "model.toml: training.loss must be one of", ""),
        ("[data]\ndtype = 'float'", "model.toml: data.dtype must be one of", "float32"),
        ("[data]\nscale = 'x'", "model.toml: data.scale must be a number or a list (each a number)", ""),
        ("[data]\nscale = [1, 0]", "data.scale must be different from 0", ""),
        ("[data]\nreshape = [28, 0]", "model.toml: data.reshape must be at least 1", ""),
        ("[data]\ncount = 99999999999999999999", "model.toml: data.count must be a number below 2^63", ""),
        ("data = 3", "model.toml: data must be a table", ""),
        ("passes = 3", "model.toml: passes must be text or tables", ""),
        ("[passes]\npipelin = ''", "model.toml: unknown key passes.pipelin", "passes.pipeline"),
        ("[build]\nprefix = 'my model'", "model.toml: build.prefix must be text of the form", ""),
        ("[data.split]\ntrain = 0.9\ntest = 0.9", "data.split: fractions must sum to at most 1", ""),
        ("[data.split.groups]\ntest = [1]", "data.split.groups needs data.split.group", "group"),
        ("[data.split]\ngroup='s'\ngroups={test=[1],train=['1']}", "groups that are in one split each", ""),
        ("[[data.input]]\nname = 'other'", "unknown key other", "x"),
        ("[data]\nimage_size = [32]", "data.image_size must be height and width", ""),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(tmp_path: Path, text: str, what: str, hint: str) -> None:
    error = refused(write(tmp_path, text))
    assert what in error.what
    assert hint in error.hint
    assert error.exit_code == 5


def test_a_number_that_python_does_not_print_is_refused_on_the_command_line() -> None:
    with pytest.raises(RecipeError, match=r"command line: build\.target: no number is as large") as caught:
        recipe.parse_override("build.target=0x" + "f" * 20_000)
    assert caught.value.found == "an integer of 80000 bits"


def test_errors_of_the_command_line_say_so() -> None:
    assert refused(None, {"build.sed": 1}).what == "command line: unknown key build.sed"
    assert "a table" in refused(None, {"build": 3, "build.seed": 1}).what


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00",
        b"\xff\xfe[data]",
        b"[data\n",
        b"[data]\nsource = 1979-05-27",
        b"a = 1\na = 2",
        b"x = " + b"[" * 20_000,
        b"x = " + b"{a=" * 5_000,
        b"x = " + b"9" * 100_000,
        b"a" * 300_000,
        b".".join([b"a"] * 20_000) + b" = 1",
        b"[" + b".".join([b"a"] * 5_000) + b"]\n",
        b'[data]\nsource = "\\u0000"',
        b"[build]\ntarget = 0x" + b"f" * 20_000,
        b"[[passes]]\nname = 'prune'\nsparsity = [0x" + b"f" * 20_000 + b"]",
    ],
    ids=[
        "png",
        "utf-16",
        "broken",
        "date",
        "twice",
        "arrays",
        "tables",
        "digits",
        "huge",
        "dots",
        "header",
        "nul",
        "hexadecimal",
        "in a list",
    ],
)
def test_hostile_files_are_recipe_errors_within_seconds(tmp_path: Path, content: bytes) -> None:
    start = time.process_time()
    error = refused(write(tmp_path, content))
    assert "model.toml" in error.what
    assert len(str(error)) < 1000
    assert time.process_time() - start < 5


@given(st.binary(max_size=200))
def test_any_bytes_load_or_are_a_recipe_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = write(tmp_path_factory.getbasetemp(), content, "any.toml")
    with contextlib.suppress(RecipeError):
        recipe.load(path)


def test_a_missing_file_and_a_folder_are_recipe_errors(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.toml").what
    assert "cannot be read" in refused(tmp_path).what


def test_the_recipe_of_a_model_lies_beside_it(tmp_path: Path) -> None:
    assert recipe.beside(tmp_path / "model.v2.h5") is None
    path = write(tmp_path, "", "model.v2.toml")
    assert recipe.beside(tmp_path / "model.v2.h5") == path
    (tmp_path / "saved.v1").mkdir()
    assert recipe.beside(tmp_path / "saved.v1") is None
    assert recipe.beside(str(tmp_path / "saved.v1")) is None
    folder = write(tmp_path, "", "saved.v1.toml")
    assert recipe.beside(tmp_path / "saved.v1") == folder


def test_a_source_is_relative_to_the_recipe_or_to_where_the_command_is_typed(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    assert recipe.load(path).source == str(tmp_path / "samples.npz")
    assert recipe.load(path, {"data.source": "other.npz"}).source == str(Path.cwd() / "other.npz")
    write(tmp_path, "", "mine.py")
    assert recipe.load(write(tmp_path, "[data]\nsource='mine:load'")).source == f"{tmp_path / 'mine.py'}:load"
    assert recipe.load(write(tmp_path, "[data]\nsource='package.mine:load'")).source == "package.mine:load"
    assert recipe.load().source is None


def test_a_printed_recipe_loads_back_to_the_same(tmp_path: Path) -> None:
    overrides = {
        "data.names": {"x_train": 'a "quoted"\n name\x7f', "ключ": "é"},
        "data.input": [{"name": "x", "scale": 0.1}],
        "passes": 'prune{sparsity=0.6,layers=["a b",c]}',
    }
    loaded = recipe.load(write(tmp_path, GOOD), overrides)
    printed = print_recipe(loaded)
    assert recipe.load(write(tmp_path, printed, "again.toml")) == loaded
    assert tomllib.loads(printed)["passes"]["pipeline"] == 'prune{sparsity=0.6,layers=["a b",c]}'
    assert print_recipe(recipe.load(tmp_path / "again.toml")) == printed


def test_recipes_travel_to_other_processes(tmp_path: Path) -> None:
    loaded = recipe.load(write(tmp_path, GOOD))
    assert pickle.loads(pickle.dumps(loaded)) == loaded


def test_passes_as_tables_equal_passes_as_text(tmp_path: Path) -> None:
    tables = write(tmp_path, '[[passes]]\nname = "prune"\nsparsity = 0.6\nblock = [2, 4]\n[[passes]]\nname = "qat"')
    assert recipe.load(tables).passes == parse_passes("prune{sparsity=0.6,block=[2,4]},qat")


@pytest.mark.parametrize(
    "text", ['name = "Prune"', "sparsity = 1", 'name = "p"\nx = inf', 'name = "p"\nx = {a = 1}', 'name="p"\n"a b"=1']
)
def test_wrong_tables_of_passes_are_refused(tmp_path: Path, text: str) -> None:
    assert "model.toml" in refused(write(tmp_path, "[[passes]]\n" + text)).what


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=3", 3),
        ("a.b=0.5", 0.5),
        ("a.b=true", True),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b=word", "word"),
        ("a.b=x=y", "x=y"),
    ],
)
def test_values_of_the_command_line_are_toml_or_text(text: str, value: object) -> None:
    assert recipe.parse_override(text) == ("a.b", value)


def test_the_example_of_the_manual_parses() -> None:
    assert parse_passes("prune{sparsity=0.6}, cluster {clusters = 16},qat{epochs=3}") == (
        PassSpec("prune", {"sparsity": 0.6}),
        PassSpec("cluster", {"clusters": 16}),
        PassSpec("qat", {"epochs": 3}),
    )
    assert parse_passes(" ") == ()
    (spec,) = parse_passes('p{a=true,b=word,c="true",d=[1,-2.5,x],e=[],f=1e-3,g=.5,h=conv_1/kernel:0}')
    assert dict(spec.parameters) == {
        "a": True, "b": "word", "c": "true", "d": (1, -2.5, "x"), "e": (), "f": 1e-3, "g": 0.5, "h": "conv_1/kernel:0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what", "column"),
    [
        ("prune{sparsity=0.6", "the '}' that closes prune{", 19),
        ("prune{sparsity}", "'=' after 'sparsity'", 15),
        ("prune{sparsity=}", "a value", 16),
        ("prune{sparsity=0.6,,}", "the name of a parameter", 20),
        ("prune{a=1,a=2}", "given twice", 11),
        ("prune,,qat", "the name of a pass", 7),
        ("Prune", "the name of a pass", 1),
        ("prune}", "',' or the end", 6),
        ('p{a="x', "never ends", 5),
        (r'p{a="\q"}', "expected one of", 7),
        ("p{a=[[1]]}", "cannot hold a list", 6),
        ("p{a=1e999}", "too large", 5),
        ("p{a=99999999999999999999}", "too large", 5),
        ("p{a=3x}", "a value", 5),
        ("p{a=\x00}", "a value", 5),
        ("p{a=nan!}", "'}'", 8),
    ],
)
def test_an_error_shows_the_place_with_a_caret(text: str, what: str, column: int) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_passes(text)
    assert what in caught.value.what
    assert f"at column {column}" in caught.value.what
    shown, caret = str(caught.value).splitlines()[1:3]
    assert caret.index("^") - len("found: ") == column - 1
    assert shown.startswith("found: " + text[0])


def test_a_very_long_text_is_refused() -> None:
    with pytest.raises(RecipeError, match="longer than"):
        parse_passes("a," * 10_000)


NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,12}", fullmatch=True)
SCALARS = (
    st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
)
SPECS = st.builds(
    PassSpec, NAMES, st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=4).map(tuple), max_size=4)
)


@given(st.lists(SPECS, max_size=4).map(tuple))
def test_parse_is_the_inverse_of_print(passes: tuple[PassSpec, ...]) -> None:
    again = parse_passes(print_passes(passes))
    assert again == passes
    assert [list(one.parameters) for one in again] == [list(one.parameters) for one in passes]
    assert print_passes(again) == print_passes(passes)


@given(st.text(max_size=60))
def test_any_text_parses_or_is_a_recipe_error(text: str) -> None:
    try:
        passes = parse_passes(text)
    except RecipeError:
        return
    assert parse_passes(print_passes(passes)) == passes


def test_specs_are_values() -> None:
    spec = PassSpec("prune", {"sparsity": 0.5, "layers": ("a", "b")})
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert len({spec, PassSpec("prune", {"layers": ("a", "b"), "sparsity": 0.5})}) == 1
    with pytest.raises(TypeError):
        spec.parameters["sparsity"] = 0.9  # type: ignore[index]
    assert str(spec) == "prune{sparsity=0.5,layers=[a,b]}"


def test_files_of_teachers_are_found_beside_the_recipe_and_the_other_teachers_are_words(tmp_path):
    path = write(tmp_path, '[training]\nteacher = ["big.h5", "sub/other.keras"]')
    assert recipe.load(path).training.teacher_files == (str(tmp_path / "big.h5"), str(tmp_path / "sub/other.keras"))
    for word in ("original", "baseline"):
        loaded = recipe.load(write(tmp_path, f'[training]\nteacher = "{word}"')).training
        assert (loaded.teacher, loaded.teacher_files) == (word, ())
    overridden = recipe.load(path, {"training.teacher": "mine.h5"}).training
    assert overridden.teacher_files == (str(Path("mine.h5").absolute()),)
