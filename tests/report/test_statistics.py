"""Intervals and tests against the papers' printed tables, SciPy and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgecompress.report import bootstrap, statistics

# Newcombe 1998, Statistics in Medicine 17:2635-2650, table III, method 10: cells e, f, g, h and the printed limits.
NEWCOMBE_TABLE_III = [
    ((36, 12, 2, 0), (0.0569, 0.3404)),
    ((20, 12, 2, 16), (0.0562, 0.3292)),
    ((18, 12, 2, 18), (0.0562, 0.3290)),
    ((36, 14, 0, 0), (0.1528, 0.4167)),
    ((35, 14, 0, 1), (0.1461, 0.4175)),
    ((18, 14, 0, 18), (0.1441, 0.3963)),
    ((2, 97, 1, 0), (0.8721, 0.9854)),
    ((1, 97, 1, 1), (0.8736, 0.9850)),
    ((54, 0, 0, 0), (-0.0664, 0.0664)),
    ((30, 0, 0, 24), (-0.0358, 0.0358)),
    ((0, 30, 0, 0), (0.8395, 1.0)),
]
# Cavo et al. 2012 as in Fagerland, Lydersen, Laake: Statistical Analysis of Contingency Tables, chapter 8.
CAVO = ((59, 6, 16, 80), (-0.1186, -0.0046))


@pytest.mark.parametrize(("cells", "printed"), [*NEWCOMBE_TABLE_III, CAVO])
def test_paired_intervals_are_those_printed_in_the_literature(
    cells: tuple[int, ...], printed: tuple[float, float]
) -> None:
    interval = statistics.paired_interval(*cells)
    assert (interval.low, interval.high) == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize(
    ("correct", "samples"), [(0, 10), (10, 10), (1, 2), (81, 263), (15, 148), (945, 1000), (29, 29)]
)
def test_wilson_is_scipys(correct: int, samples: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(correct, samples).proportion_ci(0.95, method="wilson")
    interval = statistics.wilson(correct, samples)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_is_that_of_newcombes_paper_on_single_proportions() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3: 81/263 and 15/148.
    first, second = statistics.wilson(81, 263), statistics.wilson(15, 148)
    assert (first.low, first.high) == pytest.approx((0.2553, 0.3662), abs=6e-5)
    assert (second.low, second.high) == pytest.approx((0.0624, 0.1605), abs=6e-5)


@pytest.mark.parametrize(("correct", "samples"), [(1, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(correct: int, samples: int) -> None:
    with pytest.raises(ValueError, match="samples"):
        statistics.wilson(correct, samples)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (5, 5), (0, 12), (8, 21), (300, 340), (2000, 1900)])
def test_mcnemar_is_scipys_exact_binomial_test(before: int, after: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(before, before + after).pvalue if before + after else 1.0
    assert statistics.mcnemar(before, after) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_comparisons_are_consistent_and_antisymmetric(pairs: list[tuple[bool, bool]]) -> None:
    before, after = np.asarray(pairs).T
    there, back = statistics.compare(before, after), statistics.compare(after, before)
    assert there.samples == len(pairs)
    assert there.difference == pytest.approx(after.mean() - before.mean())
    assert there.after.value == after.mean()
    assert there.before.value == before.mean()
    assert -1 <= there.interval.low <= there.difference + 1e-12
    assert there.difference - 1e-12 <= there.interval.high <= 1
    assert back.p_value == there.p_value
    assert (back.interval.low, back.interval.high) == pytest.approx((-there.interval.high, -there.interval.low))


def test_answers_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        statistics.compare(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(ValueError, match="shape"):
        statistics.compare(np.ones(0, bool), np.ones(0, bool))


def test_correct_answers_of_every_form_of_output_and_label() -> None:
    outputs = np.asarray([[0.1, 0.7, 0.2], [0.5, 0.5, 0.0], [0, 0, 1]])
    index = np.asarray([1, 1, 2])
    assert statistics.correct_answers(outputs, index).tolist() == [True, False, True]
    assert statistics.correct_answers(outputs, np.eye(3)[index]).tolist() == [True, False, True]
    binary = np.asarray([[0.4], [0.6], [0.9]])
    assert statistics.correct_answers(binary, np.asarray([0, 1, 0])).tolist() == [True, True, False]
    assert statistics.correct_answers(binary, np.asarray([[0], [1], [0]])).tolist() == [True, True, False]


@pytest.mark.parametrize("levels", [5, 1000])
def test_auc_is_scikit_learns_ties_included(levels: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.RandomState(1)
    labels = random.randint(0, 2, 300)
    scores = random.randint(0, levels, 300) + labels * levels // 5
    assert bootstrap.auc(scores, labels) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
    weights = random.randint(0, 4, 300)
    weighted = bootstrap._Ranking(scores, labels).auc(weights.astype(float))
    assert weighted == pytest.approx(metrics.roc_auc_score(labels, scores, sample_weight=weights), abs=1e-12)


def test_auc_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        bootstrap.auc(np.arange(3), np.ones(3))


def test_bootstrap_of_a_mean_agrees_with_scipy_and_repeats_exactly() -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.RandomState(2)
    before = random.gamma(2.0, size=400)
    after = before + random.normal(0.1, 0.3, size=400)
    ours = bootstrap.compare_errors("mean_absolute_error", before, after, seed=3)
    assert ours == bootstrap.compare_errors("mean_absolute_error", before, after, seed=3)
    assert ours != bootstrap.compare_errors("mean_absolute_error", before, after, seed=4)
    assert ours.difference == pytest.approx(np.mean(after - before))
    theirs = stats.bootstrap(
        (after - before,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert (ours.interval.low, ours.interval.high) == pytest.approx((theirs.low, theirs.high), abs=0.003)


def test_sample_errors_average_to_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.RandomState(5)
    outputs, targets = random.normal(size=(2, 50, 7)).astype(np.float32)
    for name in ("mean_absolute_error", "mean_squared_error"):
        expected = getattr(metrics, name)(targets, outputs)
        assert bootstrap.sample_errors(name, outputs, targets).mean() == pytest.approx(expected, rel=1e-6)


def test_bootstrap_of_auc_is_paired() -> None:
    random = np.random.RandomState(6)
    labels = random.randint(0, 2, 400)
    scores = random.normal(size=400) + labels
    same = bootstrap.compare_auc(scores, 3 * scores + 1, labels, resamples=200)
    assert (same.difference, same.interval.low, same.interval.high) == (0, 0, 0)
    worse = bootstrap.compare_auc(scores, scores + 3 * random.normal(size=400), labels, resamples=500)
    assert worse.interval.high < 0


def paired(samples: int, only_before: int, only_after: int) -> statistics.PairedDifference:
    before, after = np.ones(samples, bool), np.ones(samples, bool)
    after[:only_before] = False
    before[only_before : only_before + only_after] = False
    return statistics.compare(before, after)


@pytest.mark.parametrize(
    ("samples", "only_before", "only_after", "kind"),
    [
        (499, 9, 0, "unknown"),  # significant, yet 1.8 points on 499 samples: no claim
        (499, 0, 0, "unknown"),
        (500, 9, 0, "worse"),
        (100, 20, 3, "worse"),
        (100, 3, 20, "better"),
        (1000, 10, 9, "same"),
        (60, 4, 2, "same"),
    ],
)
def test_no_small_difference_is_claimed_from_few_samples(
    samples: int, only_before: int, only_after: int, kind: str
) -> None:
    verdict = statistics.verdict(paired(samples, only_before, only_after))
    assert verdict.kind == kind
    assert f"{samples} samples" in verdict.sentence
    assert ("none is claimed" in verdict.sentence) == (kind == "unknown")


def test_the_sentence_names_both_models_and_says_what_is_unlikely() -> None:
    sentence = statistics.verdict(paired(1000, 10, 9), "original", "device").sentence
    assert sentence.startswith("device 99.00 %, original 99.10 %: -0.10 points (95 % interval ")
    assert "a loss of more than 1.0" in sentence
