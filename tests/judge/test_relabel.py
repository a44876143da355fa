import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.judge.relabel import Round, choose, shortlist, spread, vectors, why_stop

KINDS = ("sun moon star sky", "cash loan debt bank", "leaf tree root bark")


def pool(scores):
    return [f"{KINDS[n % 3]} word{n}" for n in range(len(scores))], [
        f"{n * 7919 % 1000:04}" for n in range(len(scores))
    ]


def chosen(scores, count, at=0.5, order=None):
    texts, keys = pool(scores)
    rows = np.arange(len(scores)) if order is None else np.array(order)
    values = np.array(scores)[rows]
    asked = []

    def texts_of(asked_for):
        asked.append(len(asked_for))
        return [texts[rows[n]] for n in asked_for]

    found = choose(values, [keys[n] for n in rows], at, count, texts_of)
    assert len(asked) <= 1
    return set(rows[found.audit]), set(rows[found.uncertain]), asked


pools = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=60)


@given(pools, st.integers(1, 80), st.randoms(use_true_random=False))
def test_the_choice_is_of_the_set_not_of_its_order(scores, count, random):
    order = list(range(len(scores)))
    random.shuffle(order)
    audit, uncertain, _ = chosen(scores, count)
    assert (audit, uncertain) == chosen(scores, count, order=order)[:2]
    assert not audit & uncertain
    assert len(audit) + len(uncertain) == min(count, len(scores))


@given(pools, st.integers(1, 80))
def test_only_the_least_sure_are_candidates_and_only_their_texts_are_read(scores, count):
    audit, uncertain, asked = chosen(scores, count)
    rest = sorted(abs(s - 0.5) for n, s in enumerate(scores) if n not in audit)
    limit = rest[: 3 * len(uncertain)][-1] if uncertain else 0
    assert all(abs(scores[n] - 0.5) <= limit for n in uncertain)
    assert sum(asked) <= 3 * len(uncertain)


@given(pools, st.integers(1, 30), st.integers(0, 60))
def test_what_is_chosen_is_on_the_shortlist_of_shortlists(scores, count, cut):
    keys = pool(scores)[1]
    each = list(zip(scores, keys, strict=True))
    first = shortlist(each[:cut], 0.5, count)
    held = [*first, *range(min(cut, len(each)), len(each))]
    short = [held[n] for n in shortlist([each[n] for n in held], 0.5, count)]
    texts = pool(scores)[0]
    found = choose(
        np.array([scores[n] for n in short]),
        [keys[n] for n in short],
        0.5,
        count,
        lambda rows: [texts[short[n]] for n in rows],
    )
    audit, uncertain, _ = chosen(scores, count)
    assert ({short[n] for n in found.audit}, {short[n] for n in found.uncertain}) == (audit, uncertain)


def test_uncertainty_is_about_the_threshold():
    scores = [n / 100 for n in range(100)]
    _, uncertain, _ = chosen(scores, 5, at=0.9)
    assert all(scores[n] >= 0.8 for n in uncertain)


def test_a_round_is_not_one_kind_of_document_many_times():
    """Thirty near copies that the classifier is least sure of, and two documents of other kinds."""
    texts = [f"{KINDS[0]} word{n}" for n in range(30)] + [KINDS[1], KINDS[2]]
    scores = np.array([0.5] * 30 + [0.55, 0.45])
    keys = [f"{n:02}" for n in range(32)]
    found = choose(scores, keys, 0.5, 12, lambda rows: [texts[n] for n in rows])
    assert {30, 31} <= set(found.uncertain)


def test_each_that_is_taken_is_the_farthest():
    of = vectors(["sun moon", "sun moon star", "cash", "sun", "cash loan"])
    assert spread(of, 2).tolist() == [0, 2]
    assert sorted(spread(of, 5)) == [0, 1, 2, 3, 4]


def test_copies_are_taken_once_each_when_nothing_else_is_left():
    assert sorted(spread(vectors(["sun"] * 4), 4)) == [0, 1, 2, 3]


def after(judged, auc, spread_=0.005, passed=False, draws=0, held_out=400):
    drawn = np.random.default_rng(draws).normal(auc, spread_, 1000)
    return Round(judged, passed, np.append(auc, drawn), held_out)


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [
        ([after(100, 0.7)], None),
        ([after(100, 0.7, passed=True)], "gate"),
        ([after(100, 0.7), after(100, 0.8)], "all_judged"),
        ([after(100, 0.7), after(200, 0.7)], None),  # one round may gain nothing
        ([after(100, 0.7), after(200, 0.7), after(300, 0.7)], "no_gain"),
        ([after(100, 0.7), after(200, 0.69), after(300, 0.72)], None),
        ([after(100, 0.6), after(200, 0.7), after(300, 0.71), after(400, 0.7)], "no_gain"),
        ([after(n, 0.7, held_out=10) for n in (100, 200, 300)], None),
        ([after(100, np.nan), after(200, np.nan), after(300, np.nan)], None),  # nothing can be told
        ([after(100, 0.7), after(200, 0.7), after(300, 0.7, draws=1)], "no_gain"),
        ([after(100, 0.7, 0.05), after(200, 0.7, 0.05), after(300, 0.7, 0.05, draws=1)], None),  # of few
    ],
)
def test_it_stops_at_the_gate_when_all_is_judged_or_when_two_rounds_surely_gained_nothing(rounds, expected):
    assert why_stop(rounds) == expected
