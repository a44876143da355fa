"""What is held out stays held out, and its rewritings with it."""

from hypothesis import given
from hypothesis import strategies as st

from curation.pretrain import held_out


def test_about_one_document_in_32_is_held_out_and_the_same_ones_when_others_are_added() -> None:
    keys = {f"document-{n}": held_out.key(f"document-{n}", []) for n in range(8000)}
    limit = held_out.threshold(keys.values())
    chosen = {name for name, key in keys.items() if key <= limit}
    assert 180 < len(chosen) < 320
    some = {name: key for name, key in keys.items() if name[-1] in "02468"}
    fewer = held_out.threshold(some.values())
    assert {name for name, key in some.items() if key <= fewer} == chosen & set(some)


def test_a_rewriting_of_a_held_out_document_is_held_out_too() -> None:
    keys = [held_out.key(f"document-{n}", []) for n in range(1000)]
    limit = held_out.threshold(keys)
    for n, key in enumerate(keys):
        assert (held_out.key(f"rewriting-{n}", [f"document-{n}"]) <= limit) == (key <= limit)
    assert held_out.key("of-two", ["document-1", "document-2"]) == min(keys[1], keys[2])


@given(st.lists(st.integers(0, 2**64 - 1), min_size=2, max_size=5, unique=True))
def test_few_documents_still_leave_one_to_measure_on_and_one_to_train_on(keys: list[int]) -> None:
    limit = held_out.threshold(keys)
    assert 0 < sum(key <= limit for key in keys) < len(keys)


def test_one_document_is_trained_on() -> None:
    assert held_out.threshold([12345]) == -1
    assert held_out.threshold([]) == -1
