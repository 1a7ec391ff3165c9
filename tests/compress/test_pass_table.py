"""The table of passes and the errors of a recipe that names them wrongly; no TensorFlow is needed for that."""

import subprocess
import sys

import pytest

from edgecompress.compress import PASSES, make, make_all
from edgecompress.compress.base import parameters_of
from edgecompress.compress.passes.cluster import Cluster
from edgecompress.compress.passes.prune import Prune
from edgecompress.errors import RecipeError
from edgecompress.recipe.text import PassSpec, parse_passes, print_passes


def test_a_text_becomes_passes_with_their_parameters():
    prune, cluster, qat = make_all(parse_passes("prune{sparsity=0.6,exclude=[stem]},cluster{clusters=8},qat"))
    assert prune == Prune(sparsity=0.6, exclude=("stem",))
    assert cluster == Cluster(clusters=8)
    assert qat.name == "qat"


@pytest.mark.parametrize("name", sorted(PASSES))
def test_every_pass_has_its_name_and_says_what_its_parameters_are_in_text(name):
    compression = make(PassSpec(name))
    assert compression.name == name
    given = {key: value for key, value in parameters_of(compression).items() if value is not None}
    assert make(parse_passes(print_passes((PassSpec(name, given),)))[0]) == compression


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("prunne", ("no pass prunne", "prune")),
        ("zzz", ("cluster, codes, filters, fine_tune, low_rank, prune, qat, student",)),
        ("prune{sparcity=0.5}", ("prune.sparcity", "prune.sparsity")),
        ("prune{sparsity=1.5}", ("prune.sparsity", "0.99")),
        ("prune{sparsity=much}", ("prune.sparsity", "a number")),
        ("prune{score=fisher}", ("prune.score", "magnitude, taylor, second_order, random")),
        ("prune{n_of_m=[4,2]}", ("n_of_m is two numbers", "[4, 2]", "n_of_m=[2,4]")),
        ("prune{n_of_m=[0,4]}", ("prune.n_of_m", "at least 1")),
        ("prune{n_of_m=[2,4],sparsity=0.5}", ("leave out sparsity",)),
        ("prune{n_of_m=[2,4],threshold=global}", ("leave out sparsity, threshold",)),
        ("prune{block_size=[4]}", ("block_size is two numbers", "block_size=[4,1]")),
        ("prune{block_size=[1,1]}", ("block_size is two numbers",)),
        ("prune{begin=0.8}", ("ends before it begins", "begin=0.8,end=0.7", "schedule=constant")),
        ("prune{l1=0.001,epochs=0}", ("l1 acts while not all zeros are there", "begin=0.6")),
        ("prune{l1=0.001,schedule=constant}", ("l1 acts while not all zeros are there",)),
        ("cluster{clusters=2}", ("cluster.clusters", "at least 3")),
        ("cluster{clusters=16.5}", ("cluster.clusters", "whole number")),
        ("cluster{clusters=16,bits=3}", ("clusters or bits, not both",)),
        ("cluster{bits=7}", ("cluster.bits", "at most 6")),
        ("cluster{per=layer}", ("cluster.per", "tensor, channel")),
        ("codes{values=4,bits=2}", ("values or bits, not both",)),
        ("codes{values=1}", ("codes.values", "at least 2")),
        ("codes{per=layer}", ("codes.per", "tensor, channel")),
        ("cluster{init=kmean}", ("cluster.init", "kmeans")),
        ("qat{epochs=0}", ("qat.epochs", "at least 1")),
        ("qat,prune", ("No pass can follow qat", "prune")),
    ],
)
def test_a_wrong_pass_is_refused_with_the_nearest_right_one(text, parts):
    with pytest.raises(RecipeError) as caught:
        make_all(parse_passes(text))
    for part in parts:
        assert part in str(caught.value)


def test_checking_passes_does_not_import_tensorflow():
    code = (
        "import sys; from edgecompress.compress import make_all; from edgecompress.recipe.text import parse_passes;"
        "import edgecompress.compress.converted, edgecompress.convert.codes, edgecompress.compress.driver;"
        "import edgecompress.compress.training.task;"
        "make_all(parse_passes('student,filters,low_rank,prune,cluster,codes,fine_tune,qat')); sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
