"""A student as a pass: what it replaces, says and refuses, who teaches it, and how other passes go on with it."""

import warnings
from dataclasses import replace
from typing import Any

import channel_examples as channels
import keras_examples as examples
import numpy as np
import pytest

from edgecompress.compress import make, make_all
from edgecompress.compress.base import Context, Kind, TrainingSettings
from edgecompress.compress.driver import Step, run_pass
from edgecompress.compress.models.cloning import is_wrapped
from edgecompress.compress.models.keras_file import write_keras
from edgecompress.compress.models.kernels import keras_kernels
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.models.rebuilding import rebuild
from edgecompress.compress.models.saved import save_model
from edgecompress.compress.promises import check_tflite
from edgecompress.compress.training.fine_tuning import describe_output, evaluate, outputs_of
from edgecompress.compress.training.task import infer
from edgecompress.convert.codes import with_codes
from edgecompress.errors import ModelFileError, PromiseError, RecipeError, UnsupportedError
from edgecompress.load.runtime import keras2, keras3
from edgecompress.load.summary import describe_model
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite import reader

warnings.filterwarnings("ignore", category=UserWarning)


def context_of(model: Any, **settings: Any) -> Context:
    data = examples.samples()
    task = infer(describe_output(model), data.y["train"])
    return Context(data, task, TrainingSettings(learning_rate=2e-3, epochs=0, seed=5, **settings), original=model)


def run(text: str, model: Any, context: Context | None = None) -> Step:
    (spec,) = parse_passes(text)
    return run_pass(make(spec), text, model, context or context_of(model))


def dense_net(inputs: tuple[int, ...] = examples.SHAPE, last: str = "softmax", inside: int = 5) -> Any:
    layers = keras2().layers
    return keras2().Sequential(
        [
            layers.Input(inputs),
            layers.Flatten(),
            layers.Dense(inside, activation="relu", name="tiny"),
            layers.Dense(examples.CLASSES, activation=last, name="classes"),
        ]
    )


@pytest.mark.parametrize("design", ["depthwise_separable", "stacked", "fire", "shuffle"])
@pytest.mark.parametrize("name", ["residual", "shared", "nested"])
def test_what_was_counted_of_a_design_is_promised_and_the_rest_of_the_model_stays(name, design):
    model = channels.randomized(name)
    step = run(f"student{{design={design},groups=2,multiple=1}}", model)
    small = step.outcome.model
    assert small.output_shape == model.output_shape
    if design == "stacked":  # of 3x3 kernels only
        assert step.outcome.did_nothing_reason
        return
    promises = {promise.kind: promise.bound for promise in (step.outcome.promise, *step.outcome.further)}
    assert promises[Kind.MACS] == describe_model(small)["macs"] < describe_model(model)["macs"]
    assert all(measured.holds for measured in step.measured)
    replaced, before = step.outcome.successors, keras_kernels(rebuild(model))
    assert replaced
    for kernel, found in keras_kernels(small).items():
        if kernel in before and kernel not in replaced:
            np.testing.assert_array_equal(found.rows, before[kernel].rows)


def test_a_thinner_copy_keeps_the_best_channels_and_a_fresh_one_keeps_none():
    model = examples.trained("sequential")
    inherited = run("student{width=0.5,multiple=2}", model).outcome
    fresh = run("student{width=0.5,multiple=2,weights=fresh}", model).outcome
    kernel = model.get_layer("first").get_weights()[0]
    found = {one: one.model.get_layer("first").get_weights()[0] for one in (inherited, fresh)}
    assert found[inherited].shape == found[fresh].shape == (3, 3, 2, 4)
    largest = np.sort(np.argsort(np.linalg.norm(kernel.reshape(18, 6), axis=0))[2:])
    np.testing.assert_array_equal(inherited.rows["first"], largest)
    np.testing.assert_array_equal(found[inherited], kernel[..., largest])
    assert not np.isin(found[fresh], kernel).any()


def test_a_thin_student_can_be_redesigned_as_well():
    model = examples.trained("residual")
    step = run("student{width=0.7,multiple=2,design=depthwise_separable}", model)
    small = step.outcome.model
    assert small.get_layer("stem").filters == 4
    assert small.get_layer("inner_depthwise").depthwise_kernel.shape == (3, 3, 4, 1)
    assert small.get_layer("inner").kernel.shape == (1, 1, 4, 4)
    assert step.outcome.successors == {"inner": ("inner_depthwise", "inner")}
    assert any("stem is left out, since it reads the model's input" in note for note in step.outcome.notes)
    assert any(note.startswith("student: it has ") and "MACs" in note for note in step.outcome.notes)


def test_excluded_layers_stay_and_are_named():
    model = examples.trained("sequential")
    step = run("student{width=0.5,multiple=2,exclude=[first]}", model)
    assert step.outcome.model.get_layer("first").filters == 6
    assert step.outcome.model.get_layer("hidden").units == 6
    assert "student: first is excluded" in step.outcome.notes


def test_a_student_of_ones_own_takes_the_place_of_the_model(tmp_path):
    model, own = examples.trained("residual"), dense_net()
    for keras, path in ((keras2(), tmp_path / "own.h5"), (keras3(), tmp_path / "own.keras")):
        write_keras(own, path)
        step = run(f'student{{model="{path}"}}', model)
        assert sorted(keras_kernels(step.outcome.model)) == ["classes", "tiny"], keras
        assert step.outcome.promise.bound == describe_model(own)["macs"] == 128 * 5 + 5 * 4
        x = examples.samples().x["validation"]
        np.testing.assert_allclose(outputs_of(step.outcome.model)(x), outputs_of(own)(x), atol=1e-5)


@pytest.mark.parametrize(
    ("own", "error", "message"),
    [
        (lambda: dense_net((8, 8, 3)), RecipeError, r"student: the inputs of own\.h5 differ from the model's"),
        (lambda: dense_net(last="linear"), RecipeError, "ends in another activation"),
        (lambda: examples.two_inputs(outputs=2), RecipeError, "the inputs of"),
    ],
)
def test_a_student_that_does_not_fit_is_refused(own, error, message, tmp_path):
    save_model(own(), tmp_path / "own.h5")
    with pytest.raises(error, match=message):
        run(f'student{{model="{tmp_path / "own.h5"}"}}', examples.trained("residual", epochs=1))


def test_a_student_that_is_not_there_is_told_by_its_path(tmp_path):
    with pytest.raises(RecipeError, match=r"student: there is no model .*nowhere\.h5"):
        run(f'student{{model="{tmp_path / "nowhere.h5"}"}}', examples.trained("residual", epochs=1))


def test_code_in_the_file_of_a_student_is_refused_and_never_run(tmp_path):
    ran = tmp_path / "ran"
    name = str(ran)
    layers = keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.Lambda(lambda t: (__import__("pathlib").Path(name).touch(), t)[1])(layers.Flatten()(given))
    save_model(keras2().Model(given, layers.Dense(4, activation="softmax")(x)), tmp_path / "own.h5")
    ran.unlink(missing_ok=True)
    with pytest.raises((UnsupportedError, ModelFileError)):
        run(f'student{{model="{tmp_path / "own.h5"}"}}', examples.trained("residual", epochs=1))
    assert not ran.exists()


def test_a_student_behind_a_promise_about_weights_is_a_conflict_that_names_both():
    with pytest.raises(PromiseError) as caught:
        examples.run_passes("prune{sparsity=0.5,epochs=0},student{width=0.5,epochs=0}", examples.trained("residual"))
    assert "student would break what" in str(caught.value)
    assert "prune{sparsity=0.5" in str(caught.value)
    assert "put student in front of prune" in str(caught.value)


def test_a_budget_that_was_promised_before_still_holds_of_a_student():
    text = "filters{macs=0.7,multiple=2,epochs=0},student{width=0.5,multiple=2,epochs=0}"
    _, _, (filters, student) = examples.run_passes(text, examples.trained("residual"))
    assert [one.promise.source.split("{")[0] for one in student.measured] == ["student", "student", "filters"]
    assert student.outcome.promise.bound < filters.outcome.promise.bound


STUDENTS = ("width=0.7,multiple=2", "design=shuffle,groups=2,multiple=1", "design=fire,multiple=1")
BEHIND = (
    "prune{sparsity=0.6,epochs=1},cluster{clusters=6,epochs=1}",
    "codes{values=6,epochs=1}",
    "low_rank{parameters=0.7,multiple=1,epochs=1}",
    "filters{macs=0.8,multiple=1,epochs=1}",
    "prune{sparsity=0.6,epochs=1},fine_tune{epochs=1}",
    "qat{epochs=1}",
)
PAIRS = [(first, behind) for first in STUDENTS for behind in BEHIND if not ("shuffle" in first and "filters" in behind)]


@pytest.mark.slow
def test_channels_that_are_shuffled_stay_and_filters_says_so():
    text = "student{design=shuffle,groups=2,multiple=1,epochs=0},filters{macs=0.8,multiple=1,epochs=0}"
    _, _, (_, filters) = examples.run_passes(text, examples.trained("residual"))
    assert filters.outcome.did_nothing_reason == "there is no channel that may go"


@pytest.mark.slow
@pytest.mark.parametrize(("first", "behind"), PAIRS)
def test_other_passes_go_on_with_a_student_and_all_promises_hold_in_the_file(first, behind, tmp_path):
    model, _, steps = examples.run_passes(f"student{{{first},epochs=1}},{behind}", examples.trained("residual"))
    assert not any(step.outcome.did_nothing_reason for step in steps)
    standing = steps[-1].standing
    assert any(promise.source.startswith("student") for promise in standing)
    x = np.random.default_rng(1).normal(0.2, 0.4, (12, *examples.SHAPE))
    path = tmp_path / "small.tflite"
    path.write_bytes(with_codes(examples.to_tflite(model, x), keras_kernels(model), standing))
    graph = reader.read(path)
    assert all(one.holds for one in check_tflite(graph, standing, map_layers(graph, keras_kernels(model))))
    assert is_wrapped(model) is behind.startswith("qat")


def test_a_student_learns_what_its_teacher_answers_without_labels():
    teacher = examples.trained("residual", epochs=25)
    data = examples.samples(labels=False)
    context = Context(
        data, infer(describe_output(teacher), None), TrainingSettings(learning_rate=0.01), original=teacher
    )
    text = "student{width=0.7,multiple=2,weights=fresh,epochs=15}"
    student = run(text, teacher, context)
    untaught = run(text.replace("epochs=15", "epochs=0"), teacher, context)
    task = replace(context.task, metric="mean_squared_error")
    off = [evaluate(one.outcome.model, data, "validation", task, teacher).value for one in (untaught, student)]
    assert off[1] < 0.7 * off[0]
    assert not any("labels alone" in note for note in student.outcome.notes)


def test_distillation_reaches_the_student_and_a_student_of_labels_alone_says_so():
    model = examples.trained("residual", epochs=25)
    alone = context_of(model)
    taught = context_of(model, distillation=1.0)
    taught = replace(taught, teacher=model)
    found = [run("student{width=0.5,multiple=2,epochs=2}", model, one).outcome for one in (alone, taught)]
    said = [any("labels alone" in note for note in one.notes) for one in found]
    assert said == [True, False]
    one, other = (outcome.model.get_weights() for outcome in found)
    assert any(np.abs(a - b).max() > 1e-4 for a, b in zip(one, other, strict=True))


def test_new_batch_norms_are_not_frozen_before_they_have_seen_anything():
    model = examples.trained("residual", epochs=1)
    context = context_of(model, frozen_norms=True)
    with pytest.raises(RecipeError, match="inner_depthwise_norm is new"):
        run("student{design=depthwise_separable}", model, context)
    with pytest.raises(RecipeError, match="stem_norm is new"):
        run("student{width=0.5,weights=fresh}", model, context)
    assert not run("student{width=0.5,multiple=2}", model, context).outcome.did_nothing_reason


@pytest.mark.parametrize("design", ["fire", "shuffle"])
def test_students_open_in_plain_keras(design, tmp_path):
    small = run(f"student{{design={design},groups=2,multiple=1}}", channels.randomized("residual")).outcome.model
    x = channels.inputs_of(small)[0]
    for keras, path in ((keras2(), tmp_path / "small.h5"), (keras3(), tmp_path / "small.keras")):
        write_keras(small, path)
        again = keras.models.load_model(path, compile=False)
        np.testing.assert_allclose(np.asarray(again(x, training=False)), outputs_of(small)(x), atol=1e-5)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("student{width=1.0}", ("student.width", "0.99")),
        ("student{design=fires}", ("student.design", "fire")),
        ("student{weights=new}", ("student.weights", "inherited, fresh")),
        ("student{score=apoz}", ("student.score", "l1, l2")),
        ('student{model="a.h5",width=0.5}', ("taken as it is", "model and width")),
        ("student{squeeze=0.25}", ("only fire and shuffle", "design=fire")),
        ("qat,student", ("No pass can follow qat",)),
    ],
)
def test_wrong_parameters_are_refused(text, parts):
    with pytest.raises(RecipeError) as caught:
        make_all(parse_passes(text))
    for part in parts:
        assert part in str(caught.value)
