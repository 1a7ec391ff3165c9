"""Training of integer codes: the quantizer by hand, zeros and shared layers, later passes, and a run that was stopped."""

from typing import Any

import keras_examples as examples
import numpy as np
import pytest
from keras_examples import run_passes

from edgecompress import recipe
from edgecompress.compress import chain, make, stage
from edgecompress.compress.base import Kind, Promise
from edgecompress.compress.driver import Step
from edgecompress.compress.models.kernels import keras_kernels, kernel_variables
from edgecompress.compress.models.mapping import map_layers
from edgecompress.compress.promises import check_tflite, measure_keras
from edgecompress.compress.training.fine_tuning import describe_output, evaluate
from edgecompress.compress.training.straight_through import Quantizer, wrap
from edgecompress.compress.training.task import infer
from edgecompress.compress.weights.codebooks import Coding
from edgecompress.convert.codes import with_codes
from edgecompress.errors import PromiseError, RecipeError
from edgecompress.load.runtime import keras2
from edgecompress.recipe.text import parse_passes
from edgecompress.tflite import reader


def codes_of(model: Any, promise: Promise) -> dict[str, np.ndarray]:
    """(channels, weights) of every encoded kernel, in units of its channels, held to be integers."""
    found = {}
    for layer, units in promise.units.items():
        exact = keras_kernels(model)[layer].rows / np.asarray(units)[:, None]
        assert np.abs(exact - np.rint(exact)).max() < 1e-4
        found[layer] = np.rint(exact)
    return found


def quantized_dense(kernel: np.ndarray, book: list[int], scales: list[float], mask: np.ndarray | None = None) -> Any:
    """A dense layer without bias, wrapped, with this kernel, (inputs, outputs)."""
    keras = keras2()
    model = keras.Sequential(
        [keras.layers.Input(kernel.shape[:1]), keras.layers.Dense(kernel.shape[1], use_bias=False)]
    )
    model.set_weights([kernel])
    (found,) = kernel_variables(model)
    coding = Coding(np.zeros(kernel.T.shape, np.int8), np.float32(scales), np.float32([book]))
    quantizer = Quantizer(found, coding, mask)
    wrapper = wrap(found.layer, {"kernel": quantizer})
    wrapper.build(kernel.shape[:1])
    return wrapper, quantizer


def test_a_wrapped_layer_computes_with_the_nearest_codes_times_its_channels_scales():
    kernel = np.float32([[0.9, 10.0], [0.2, -26.0], [-2.0, 3.0]])
    wrapper, quantizer = quantized_dense(kernel, [-20, 0, 40], [0.02, 0.5])
    # In units: 45, 10, -100 and 20, -52, 6; the codes nearest to these: 40, 0, -20 and 0 (or 40), -20, 0.
    np.testing.assert_allclose(wrapper(np.eye(3, dtype=np.float32)), [[0.8, 0.0], [0, -10.0], [-0.4, 0]], atol=1e-6)
    coding = quantizer.coding(wrapper.layer.kernel)
    np.testing.assert_array_equal(coding.codes, [[40, 0, -20], [0, -20, 0]])
    np.testing.assert_allclose(coding.rows().T, wrapper(np.eye(3, dtype=np.float32)), atol=1e-6)


def test_gradients_pass_the_rounding_to_weights_codebook_and_scales_as_worked_out_by_hand():
    import tensorflow as tf

    kernel = np.float32([[0.9, 10.0], [0.2, -26.0], [-2.0, -70.0]])
    wrapper, _ = quantized_dense(kernel, [-20, 0, 40], [0.02, 0.5])
    wrapper.layer.kernel.assign(np.where(wrapper.layer.kernel == -0.25, -0.26, wrapper.layer.kernel))
    weight = np.float32([[1, 2], [3, 4], [5, 6]])  # the loss is the sum of weight · quantized kernel
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weight * wrapper(np.eye(3, dtype=np.float32)))
    named = {weight.name.split("_")[-1].split(":")[0]: weight for weight in wrapper.trainable_weights}
    latent, book, growth = tape.gradient(loss, [wrapper.layer.kernel, named["codebook"], named["growth"]])
    # A variable's unit is 4 · 127 codes, a code's is the channel's scale; what has gone beyond -127 gets none.
    np.testing.assert_allclose(latent, 508 * weight * [0.02, 0.5] * [[1, 1], [1, 1], [1, 0]], rtol=1e-5)
    # -20 stands for (2, 0), (1, 1) and (2, 1); 0 is pinned; 40 stands for (0, 0).
    np.testing.assert_allclose(book, [[508 * (5 * 0.02 + 4 * 0.5 + 6 * 0.5), 0, 508 * 0.02]], rtol=1e-5)
    # The logarithm of a scale: the loss's own share of that channel.
    np.testing.assert_allclose(growth, [1 * 0.8 + 5 * -0.4, 4 * -10 + 6 * -10], rtol=1e-5)


def test_masked_weights_stay_zero_and_get_no_gradient():
    import tensorflow as tf

    mask = np.array([[True, False, True]])
    wrapper, quantizer = quantized_dense(np.float32([[1.0], [1.0], [0.4]]), [0, 50, 90], [0.01], mask)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(wrapper(np.eye(3, dtype=np.float32)))
    np.testing.assert_allclose(tape.gradient(loss, wrapper.layer.kernel), [[5.08], [0], [5.08]], rtol=1e-5)
    np.testing.assert_array_equal(quantizer.coding(wrapper.layer.kernel).codes, [[90, 0, 50]])


def test_training_moves_codebook_scales_and_assignments_and_loses_less_than_the_nearest_codes():
    model = examples.trained("residual", 10)
    results = []
    for epochs in (0, 6):
        encoded, context, (step,) = run_passes(f"codes{{values=3,epochs={epochs}}}", model)
        data = context.samples
        results.append((codes_of(encoded, step.outcome.promise), evaluate(encoded, data, "train", context.task).value))
    (before, at_once), (after, trained) = results
    assert trained > at_once
    assert all(not np.array_equal(before[layer], after[layer]) for layer in before)
    assert any(set(np.unique(before[layer])) != set(np.unique(after[layer])) for layer in before)


@pytest.mark.slow
@pytest.mark.parametrize("behind", ["", ",qat{epochs=1}"])
@pytest.mark.parametrize("name", ["sequential", "depthwise"])
def test_zeros_of_an_earlier_prune_and_codes_are_in_the_file_also_after_quantization_aware_training(name, behind):
    text = "prune{sparsity=0.7,epochs=1},codes{values=5,epochs=1}" + behind
    model, context, steps = run_passes(text, examples.trained(name))
    content = examples.to_tflite(model, examples.samples().x["validation"][:12])
    graph = reader.read_bytes(with_codes(content, keras_kernels(model), context.standing))
    mapping = map_layers(graph, keras_kernels(model))
    zeros, distinct = check_tflite(graph, context.standing, mapping)
    assert (zeros.promise.kind, distinct.promise.kind) == (Kind.ZEROS, Kind.DISTINCT_VALUES)
    assert distinct.reached <= 5
    codes = codes_of(steps[1].outcome.model, steps[1].outcome.promise)
    for layer, (index,) in mapping.items():
        data = graph.tensors[index].data
        rows = (np.moveaxis(data, -1, 0) if layer in ("wide", "narrow") else data).reshape(codes[layer].shape)
        np.testing.assert_array_equal(rows, codes[layer])
        assert np.mean(rows == 0) >= 0.7 - 1 / rows.size


@pytest.mark.slow
def test_codes_of_a_separable_convolution_reach_the_file_under_the_names_that_quantization_gave_its_parts():
    keras, layers = keras2(), keras2().layers
    given = layers.Input(examples.SHAPE)
    x = layers.SeparableConv2D(8, 5, use_bias=False, name="separable")(given)
    x = layers.ReLU()(layers.BatchNormalization(name="norm")(x))
    model = keras.Model(given, layers.Dense(4, activation="softmax", name="classes")(layers.Flatten()(x)))
    model, context, steps = run_passes("codes{values=5,epochs=1},qat{epochs=1}", model)
    before = codes_of(steps[0].outcome.model, steps[0].outcome.promise)
    assert set(before) == {"separable/depthwise_kernel", "separable/pointwise_kernel", "classes"}
    content = examples.to_tflite(model, examples.samples().x["validation"][:12])
    graph = reader.read_bytes(with_codes(content, keras_kernels(model), context.standing))
    written = [graph.operands(o)[1].data for o in graph.operations if "CONV" in o.opcode or "FULLY" in o.opcode]
    rows = [
        np.moveaxis(w, -1, 0).reshape(w.shape[-1], -1) if i == 0 else w.reshape(len(w), -1)
        for i, w in enumerate(written)
    ]
    for found, wanted in zip(rows, before.values(), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("codes{values=4,epochs=0}", "prune{sparsity=0.1,epochs=0}"),
        ("codes{values=4,epochs=0}", "cluster{clusters=3,epochs=0}"),
        ("cluster{clusters=6,epochs=0}", "codes{values=4,epochs=0}"),
    ],
)
def test_a_pass_that_undoes_another_is_refused_and_both_are_named(first, second):
    culprit, victim = second.split("{")[0], first.split("{")[0]
    with pytest.raises(PromiseError, match=rf"{culprit}.* broke what {victim}.* had promised for layer"):
        run_passes(f"{first},{second}", examples.trained("sequential", 1))


def test_layers_whose_batch_norm_cannot_be_folded_are_left_out_by_name():
    keras, layers = keras2(), keras2().layers
    given = layers.Input(examples.SHAPE)
    twice = layers.Conv2D(4, 3, padding="same", name="twice")
    one = layers.BatchNormalization(name="norm")(twice(given))
    both = layers.Add()([one, twice(layers.Conv2D(2, 1, name="tiny")(given))])
    pooled = layers.GlobalAveragePooling2D()(both)
    model = keras.Model(given, layers.Dense(4, activation="softmax", name="classes")(pooled))
    encoded, _, (step,) = run_passes("codes{values=5,epochs=0}", model)
    assert step.outcome.promise.layers == ("classes",)
    notes = " ".join(step.outcome.notes)
    assert "twice is left out, since the batch norm norm behind it cannot be folded into it" in notes
    assert "tiny is left out, since a tensor of it has 4 weights only" in notes
    assert encoded.get_layer("norm") is not None


def test_a_layer_that_is_used_twice_without_batch_norm_is_encoded_once():
    keras, layers = keras2(), keras2().layers
    given = layers.Input(examples.SHAPE)
    twice = layers.Conv2D(2, 3, padding="same", name="twice")
    pooled = layers.GlobalAveragePooling2D()(layers.Add()([twice(given), twice(layers.ReLU()(twice(given)))]))
    model = keras.Model(given, layers.Dense(4, activation="softmax", name="classes")(pooled))
    encoded, context, (step,) = run_passes("codes{values=4}", model)
    assert set(step.outcome.promise.layers) == {"twice", "classes"}
    assert len(np.unique(codes_of(encoded, step.outcome.promise)["twice"])) <= 4
    content = examples.to_tflite(encoded, examples.samples().x["validation"][:8])
    written = reader.read_bytes(with_codes(content, keras_kernels(encoded), context.standing))
    kernels = [written.operands(o)[1].data for o in written.operations if o.opcode == "CONV_2D"]
    assert len(kernels) == 2  # of the two equal calls one is left
    assert all(len(np.unique(kernel)) <= 4 for kernel in kernels)


def test_codes_per_channel_promise_that_of_every_channel():
    encoded, _, (step,) = run_passes("codes{values=4,per=channel,epochs=1}", examples.functional())
    promise = step.outcome.promise
    assert (promise.granularity, promise.in_file) == ("channel", "channel")
    for codes in codes_of(encoded, promise).values():
        assert max(len(np.unique(row)) for row in codes) <= 4
    assert step.measured[0].per_tensor > 4


def test_a_promise_about_codes_survives_writing_reading_and_new_names():
    promise = Promise(Kind.DISTINCT_VALUES, 4, layers=("a", "b"), units={"a": (0.5, 0.25), "b": (0.1,)}, source="codes")
    assert Promise.from_dict(promise.as_dict()) == promise
    carried = promise.carried({"a": ("a1",), "b": ()})
    assert carried.layers == ("a1",)
    assert carried.units == {"a1": (0.5, 0.25)}
    assert str(promise) == "at most 4 distinct values per tensor, in units of each channel's scale"


def test_weights_that_left_their_codes_are_counted_as_what_they_are():
    encoded, _, (step,) = run_passes("codes{values=4,epochs=0}", examples.functional())
    promise = step.outcome.promise
    kernel = encoded.get_layer("left").kernel
    assert measure_keras(encoded, promise).holds
    kernel.assign(kernel.numpy() * np.random.default_rng(0).uniform(0.9, 1.1, kernel.shape))
    assert measure_keras(encoded, promise).broken == ("left",)


@pytest.mark.slow
def test_codes_of_a_run_that_was_stopped_are_taken_up_with_their_scales(tmp_path, monkeypatch):
    model, data = examples.trained("depthwise"), examples.samples()
    task = infer(describe_output(model), data.y["train"])
    settings = recipe.load(None, {"passes": "codes{values=6,epochs=1},qat{epochs=1}"})
    original = chain.run_pass

    def stopped(compression: Any, *given: Any) -> Step:
        if compression.name == "qat":
            raise KeyboardInterrupt
        return original(compression, *given)

    whole = stage.run(model, data, task, settings, tmp_path / "whole", model_sha256="m")
    monkeypatch.setattr(chain, "run_pass", stopped)
    with pytest.raises(KeyboardInterrupt):
        stage.run(model, data, task, settings, tmp_path / "torn", model_sha256="m")
    monkeypatch.setattr(chain, "run_pass", original)
    resumed = stage.run(model, data, task, settings, tmp_path / "torn", model_sha256="m")
    assert [entry["resumed"] for entry in resumed["passes"]] == [True, False]
    assert resumed["promises"] == whole["promises"]
    assert resumed["promises"][0]["units"].keys() == set(resumed["promises"][0]["layers"])


@pytest.mark.parametrize(
    ("parameters", "allowed"),
    [
        ("codebook=linear,values=2", {-127, 127}),
        ("codebook=linear,values=7", {42 * step for step in range(-3, 4)}),
        ("codebook=power_of_two,values=5", {-64, -32, 0, 32, 64}),
    ],
)
def test_trained_codes_stay_on_the_ladder_that_was_asked_for(parameters, allowed):
    encoded, _, (step,) = run_passes(f"codes{{{parameters},epochs=2}}", examples.trained("sequential"))
    assert not step.outcome.did_nothing_reason
    for codes in codes_of(encoded, step.outcome.promise).values():
        assert set(np.unique(codes)) <= allowed


def test_sums_of_binary_bases_stay_sums_while_the_bases_learn():
    model = examples.trained("sequential")
    found = []
    for epochs in (0, 3):
        encoded, _, (step,) = run_passes(f"codes{{codebook=binary_bases,values=4,epochs={epochs}}}", model)
        found.append(codes_of(encoded, step.outcome.promise))
        for codes in found[-1].values():
            values = np.unique(codes)
            assert len(values) <= 4
            np.testing.assert_array_equal(values, -values[::-1])
    assert any(set(np.unique(found[0][layer])) != set(np.unique(found[1][layer])) for layer in found[0])


def test_codes_without_a_zero_leave_out_kernels_whose_zeros_must_stay():
    text = "prune{sparsity=0.5,epochs=1},codes{codebook=linear,values=2,epochs=0}"
    _, _, steps = run_passes(text, examples.trained("sequential"))
    assert "it has zeros to keep, and 2 values by linear have none" in " ".join(steps[1].outcome.notes)


@pytest.mark.parametrize("parameters", ["codebook=power_of_two,values=4", "codebook=binary_bases,values=3"])
def test_numbers_of_values_that_a_codebook_cannot_have_are_refused_before_any_training(parameters):
    (spec,) = parse_passes(f"codes{{{parameters}}}")
    with pytest.raises(RecipeError, match="codes: "):
        make(spec)
