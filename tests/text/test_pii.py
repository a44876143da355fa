"""What is personal is found where it is, and what only looks so is left alone; neither takes long."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.text.pii import KINDS, spans

LABELLED = Path(__file__).with_name("pii_labelled.jsonl")


def found(text: str) -> list[tuple[str, str]]:
    data = text.encode()
    return [(kind, data[start:end].decode()) for start, end, kind in spans(text)]


@pytest.fixture(scope="module")
def counts() -> dict[str, Counter[str]]:
    total = {name: Counter() for name in ("right", "wrong", "missed")}
    for line in LABELLED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        wanted, got = {tuple(span) for span in row["spans"]}, set(spans(row["text"]))
        total["right"].update(kind for *_, kind in wanted & got)
        total["wrong"].update(kind for *_, kind in got - wanted)
        total["missed"].update(kind for *_, kind in wanted - got)
    return total


@pytest.mark.parametrize(
    ("kind", "precision", "recall"),
    [("email", 0.98, 1), ("ip", 1, 1), ("phone", 0.98, 1), ("iban", 1, 1), ("card", 1, 1)],
)
def test_no_kind_falls_below_its_floor_on_the_labelled_set(
    counts: dict[str, Counter[str]], kind: str, precision: float, recall: float
) -> None:
    right = counts["right"][kind]
    assert right >= 25
    assert right / (right + counts["wrong"][kind]) >= precision
    assert right / (right + counts["missed"][kind]) >= recall


@pytest.mark.parametrize("zero", "0０٠०")
def test_digits_of_any_script_and_width_are_digits(zero: str) -> None:
    def written(number: str) -> str:
        return "".join(chr(ord(zero) + int(sign)) if sign.isdigit() else sign for sign in number)

    for number, kind in (
        ("+12125550142", "phone"),
        ("＋1 212 555 0142", "phone"),
        ("81.2.69.142", "ip"),
        ("4111 1111 1111 1111", "card"),
    ):
        text = written(number)
        assert spans(f"é {text} é") == [(3, 3 + len(text.encode()), kind)]


def test_offsets_are_bytes_of_utf8_whatever_stands_before() -> None:
    text = "😀é漢 a@example.com ö 212-555-0142"
    assert found(text) == [("email", "a@example.com"), ("phone", "212-555-0142")]
    assert spans(text)[0][0] == len("😀é漢 ".encode())


@given(st.text(st.sampled_from("0123456789 +-./()@:abcdefGB29é漢\ud800\n[]"), max_size=120))
def test_spans_are_in_order_inside_the_text_and_never_overlap(text: str) -> None:
    last = 0
    size = len(text.encode("utf-8", "surrogatepass"))
    for start, end, kind in spans(text):
        assert last <= start < end <= size
        assert kind in KINDS
        last = end


@given(st.sampled_from(LABELLED.read_text(encoding="utf-8").splitlines()), st.text("xyz \n.é漢", max_size=30))
def test_what_stands_on_another_line_changes_nothing(line: str, other: str) -> None:
    text = json.loads(line)["text"]
    shift = len(f"{other}\n".encode())
    moved = [(start + shift, end + shift, kind) for start, end, kind in spans(text)]
    assert spans(f"{other}\n{text}\n{other}") == moved


@pytest.mark.parametrize(
    "unit",
    [
        "@", "a@", "a@a.", "a.", "1", "1 ", "12-", "+1", "+49 ", "(0", "0 1", "1.1.", "255.", "2001:", "::",
        "2a00::",
        "GB29", "GB29 ", "4111 ", "4111-1111 ", "[at]", "a [at] b [dot] ", "://", "tel ", "tel 1", "00 1",
    ],
)  # fmt: skip
def test_time_is_linear_in_what_patterns_stumble_over(unit: str) -> None:
    small, large = (unit * (chars // len(unit)) for chars in (20_000, 160_000))
    spans(small)
    assert min(_seconds(large) for _ in range(3)) < 24 * max(_seconds(small), 0.001)


def _seconds(text: str) -> float:
    started = time.process_time()
    spans(text)
    return time.process_time() - started
