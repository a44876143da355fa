import random

from curation.document import text_digest
from curation.judge.classifier.components import components, settled

WORDS = [f"word{n}" for n in range(2000)]


def page(seed, length=200):
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def edited(text, every):
    return " ".join("edit" if n % every == 0 else word for n, word in enumerate(text.split()))


def found(texts):
    digests = [text_digest(text) for text in texts]
    return dict(zip(texts, components(digests, texts), strict=True))


def test_an_edition_is_with_its_original_and_what_is_another_text_is_not():
    one, other = page(1), page(2)
    near = edited(one, 40)
    of = found([one, other, near])
    assert of[one] == of[near] == min(text_digest(one), text_digest(near))
    assert of[other] == text_digest(other)


def test_a_chain_of_editions_is_one_component():
    texts = [page(1)]
    for n in range(5):
        words = texts[-1].split()
        texts.append(" ".join(words[20:] + page(100 + n, 20).split()))
    assert len(set(found(texts).values())) == 1


def test_the_order_does_not_matter():
    texts = [page(n) for n in range(20)] + [edited(page(n), 60) for n in range(0, 20, 3)]
    shuffled = texts.copy()
    random.Random(4).shuffle(shuffled)
    assert found(texts) == found(shuffled)


def test_what_comes_later_joins_a_component_and_changes_none():
    """Were the smallest digest to name a component anew, it could change sides once it grows."""
    originals = {text_digest(text): text for text in (page(n) for n in range(20))}
    editions = {text_digest(text): text for text in (edited(page(n), 40) for n in range(20))}
    first = settled([originals])
    both = settled([originals, editions])
    assert {digest: both[digest] for digest in originals} == first
    assert {both[digest] for digest in editions} == set(first.values())
    assert any(digest < both[digest] for digest in editions)
    assert settled([editions]) == {digest: digest for digest in editions}


def test_what_is_near_two_components_is_in_none_and_parts_nothing():
    shared, one, other = page(1, 60), page(2, 140), page(3, 140)
    between = f"{one} {shared} {other}"
    one, other = f"{one} {shared}", f"{shared} {other}"
    digests = [text_digest(text) for text in (one, other, between)]
    assert len(set(found([one, other]).values())) == 2
    assert len(set(found([one, between]).values())) == len(set(found([other, between]).values())) == 1
    assert settled([{digests[0]: one, digests[1]: other}, {digests[2]: between}]) == {
        digest: digest for digest in digests[:2]
    }
    assert set(settled([{digests[0]: one}, {digests[2]: between}]).values()) == {digests[0]}


def test_texts_without_words_are_no_copies_of_each_other():
    assert len(set(found(["!?", "...", "—"]).values())) == 3
    assert components([], []) == []
