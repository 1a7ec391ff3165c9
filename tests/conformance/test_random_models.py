"""Random models: the generated C for every family of processors, on this computer under sanitizers and on emulated cores,
gives the bytes of our NumPy reference, and that gives TFLM's."""

from dataclasses import fields
from inspect import signature

import generated_c
import pytest
from needs import NEEDS, require
from on_core import OnCore
from on_host import OnHost
from random_models import MODELS, drawn

from edgecompress.codegen import variants, writer
from edgecompress.codegen.features import PLAIN, Features, features_of
from edgecompress.reference.compare import compare
from edgecompress.reference.executor import Job
from edgecompress.reference.inputs import FILLS, filled_input
from edgecompress.reference.integer import Integer
from edgecompress.reference.tflm import Tflm
from edgecompress.targets import find, names
from edgecompress.tflite import reader

FEW, MANY = 20, 240
"""Models of each operator."""

CORES = tuple(name for name in names() if name == find(name).cpu.name)
SINGLES = tuple(Features(**{field.name: True}) for field in fields(Features))
"""Each feature alone; a new field of `Features` joins by itself."""
WISHES = tuple(name for name, one in signature(features_of).parameters.items() if one.kind is one.KEYWORD_ONLY)
PROCESSORS = tuple(features_of(find(core).cpu, **wish) for core in CORES for wish in ({}, *({w: True} for w in WISHES)))
FAMILIES = tuple(dict.fromkeys((PLAIN, *SINGLES, *PROCESSORS)))
"""All that kernels may be chosen for: every feature alone, every Cortex-M, and that with every wish of the user."""
FAST_CORES = ("cortex-m4", "cortex-m0plus")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("random")


@pytest.fixture(scope="session")
def batch(folder):
    """`batch(count)` -> (models, graphs, jobs), each of them in the same order, `count` of every operator."""
    known = {}

    def made(count):
        if count not in known:
            models = [model for opcode in sorted(MODELS) for model in drawn(opcode, count)]
            graphs, jobs = [], []
            for number, model in enumerate(models):
                path = folder / f"{model.opcode.lower()}-{count}_{number}.tflite"
                path.write_bytes(model.build())
                graphs.append(reader.read(path))
                jobs.append(Job(path, tuple(filled_input(graphs[-1], fill) for fill in FILLS)))
            known[count] = models, graphs, jobs
        return known[count]

    return made


@pytest.fixture(scope="session")
def reference(batch):
    known = {}

    def answers(count):
        if count not in known:
            known[count] = Integer().run_jobs(batch(count)[2])
        return known[count]

    return answers


def check(executor, count, batch, reference, chosen=lambda graph: True):
    """Every model that is chosen gives the reference's bytes; names the smallest that does not."""
    require(executor)
    rows = [row for row in zip(*batch(count), reference(count), strict=True) if chosen(row[1])]
    models, graphs, jobs, references = zip(*rows, strict=True)
    wrong = []
    for model, graph, theirs, ours in zip(models, graphs, references, executor.run_jobs(jobs), strict=True):
        assert theirs.error is None, f"{model.opcode} {model.text}: {theirs.error}"
        found = None if ours.error else compare(graph, theirs.outputs, ours.outputs)
        if found is None or not found.exact:
            what = ours.error or f"{found.differing_bytes} of {found.compared_bytes} bytes, first in {found.first}"
            wrong.append((model.size, f"{model.opcode} {model.text}\n{what}"))
    assert not wrong, f"{len(wrong)} of {len(models)} models, the smallest: {min(wrong)[1]}"


def called(features):
    names = "+".join(field.name for field in fields(Features) if getattr(features, field.name))
    return f"features@{names or 'plain'}"


def plain_rank(features, graph):
    """From this number on every layer's candidate is the plain kernel."""
    return max(len(list(variants.candidates(graph, operation, features))) for operation in graph.operations) - 1


def ranks(features, graphs):
    """Candidates behind the first one, the plain kernel aside: that is what the plain family runs; and who has them."""
    ends = {id(graph): plain_rank(features, graph) for graph in graphs}
    for number in range(1, max(ends.values())):
        yield number, lambda graph, number=number: ends[id(graph)] > number


@pytest.mark.parametrize("features", (PLAIN, *SINGLES), ids=called)
def test_generated_c_of_every_family_is_exact_on_this_computer(features, batch, reference):
    check(OnHost(features), FEW, batch, reference)


@pytest.mark.parametrize("core", FAST_CORES)
def test_generated_c_is_exact_on_a_core(core, batch, reference):
    check(OnCore(core), FEW, batch, reference)


def test_reference_gives_tflms_bytes(batch, reference):
    check(Tflm(), FEW, batch, reference)


@pytest.mark.slow
@pytest.mark.parametrize("features", FAMILIES, ids=called)
def test_generated_c_of_every_family_is_exact_for_many_models(features, batch, reference):
    check(OnHost(features), MANY, batch, reference)


@pytest.mark.slow
@pytest.mark.parametrize("features", FAMILIES, ids=called)
def test_kernels_that_are_not_the_first_choice_are_exact_on_this_computer(features, batch, reference):
    for number, has in ranks(features, batch(MANY)[1]):
        check(OnHost(features, number), MANY, batch, reference, has)


@pytest.mark.slow
@pytest.mark.parametrize("features", FAMILIES, ids=called)
def test_behind_the_last_candidate_the_c_is_that_of_the_plain_family(features, batch):
    """So that models without a further candidate need not be run again for its number."""
    _, graphs, jobs = batch(FEW)
    for graph, job in zip(graphs, jobs, strict=True):
        last = generated_c.lowered(job.model, features, max(1, plain_rank(features, graph)))
        plain = generated_c.lowered(job.model, PLAIN, 0)
        assert writer.write(last, "model") == writer.write(plain, "model")


@pytest.mark.slow
def test_kernels_that_are_not_the_first_choice_are_exact_on_a_core(batch, reference):
    features = features_of(find("cortex-m4").cpu, spends_flash=True)
    check(OnCore("cortex-m4", spends_flash=True), MANY, batch, reference)
    for number, has in ranks(features, batch(MANY)[1]):
        check(OnCore("cortex-m4", number=number, spends_flash=True), MANY, batch, reference, has)


@pytest.mark.slow
@pytest.mark.parametrize("variant", variants.VARIANTS, ids=lambda variant: type(variant).__name__)
def test_every_variant_is_drawn_several_times(variant, batch):
    """So that what is said of random models is said of all variants."""
    _, graphs, _ = batch(MANY)
    used = [
        operation
        for graph in graphs
        for operation in graph.operations
        if operation.opcode == variant.opcode and variant.lower(graph, operation) is not None
    ]
    assert len(used) >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "core",
    [
        pytest.param(core, marks=[pytest.mark.needs(*NEEDS[core])] if core in NEEDS else [], id=f"core@{core}")
        for core in CORES
    ],
)
def test_generated_c_is_exact_on_every_core_for_many_models(core, batch, reference):
    check(OnCore(core), MANY, batch, reference)


@pytest.mark.slow
@pytest.mark.needs("arm-none-eabi-gcc")
def test_generated_c_is_exact_with_gcc_for_many_models(batch, reference):
    check(OnCore("cortex-m4", "gcc"), MANY, batch, reference)


@pytest.mark.slow
def test_reference_gives_tflms_bytes_for_many_models(batch, reference):
    check(Tflm(), MANY, batch, reference)


@pytest.mark.parametrize("opcode", MODELS)
def test_draws_are_many_different_and_always_the_same(opcode):
    first, again = drawn(opcode, FEW), drawn(opcode, FEW)
    assert [model.text for model in first] == [model.text for model in again]
    assert len({model.text for model in first}) == FEW


def test_draws_reach_the_ends():
    """Both zero points' ends, one channel, one pixel, both paddings, dilation, biases at the brim, flushed multipliers."""
    text = "\n".join(model.text for model in drawn("CONV_2D", MANY))
    for word in (
        "'input_zero': -128",
        "'input_zero': 127",
        "'output_zero': -128",
        "'output_zero': 127",
        "'brim'",
        "'VALID'",
    ):
        assert word in text
    for word in (
        "'SAME'",
        "'stride': (3,",
        "'dilation': (3,",
        "(1, 1, 1, ",
        "'kernel': (1, 1)",
        "'kernel': (5,",
        "'lowest'",
    ):
        assert word in text
