import numpy as np

from curation.judge.classifier import gate
from curation.judge.classifier.examples import Example
from curation.judge.classifier.measures import Cut
from curation.judge.classifier.report import Guess, Part, auc_within, baselines_of, measure


def part(seed, count, sources):
    """Documents, the good ones a third shorter, of sources as (how often good, usual length); and a guess
    that knows a little."""
    numbers, examples = np.random.default_rng(seed), []
    for n in range(count):
        source = n % len(sources)
        rate, usual = sources[source]
        good = numbers.random() < rate
        text = "word " * max(3, round(usual * np.exp(numbers.normal(-0.35 * good, 0.4))))
        examples.append(Example(f"{n}", f"source-{source}", text, 4 if good else 1, f"{n}"))
    made = Part(examples, 3)
    return made, Guess(numbers.normal(0.4 * made.good, 1), Cut(0.5))


def test_a_classifier_that_is_worse_than_length_does_not_pass():
    """Of all documents the long are good, as they are of the better source; of each source the short are. A
    baseline that is read the wrong way round is beaten by anything."""
    sources = [(0.7, 180), (0.25, 45)]
    for seed in range(3):
        training, (held_out, guess) = part(seed, 320, sources)[0], part(seed + 100, 400, sources)
        silly = baselines_of(training, held_out)
        within = {name: auc_within(each, held_out) for name, each in silly.items()}
        assert within["length"][0] > 0.6
        assert not gate.ask(auc_within(guess, held_out), within).passed


def test_of_all_documents_a_baseline_is_read_in_the_direction_that_is_better_there():
    sources = [(0.9, 400), (0.1, 20)]
    training, held_out = (part(seed, 300, sources)[0] for seed in (1, 2))
    figures = measure(baselines_of(training, held_out)["length"], held_out)
    assert figures["overall"]["auc"]["value"] > 0.8
    assert figures["within_source"]["auc"]["value"] > 0.6
    assert all(of["auc"]["value"] > 0.6 for of in figures["by_source"].values())
