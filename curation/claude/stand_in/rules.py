"""`offline-rules-1`: deterministic rules over text statistics, in the place of a language model.

It is not a language model and does not understand what it reads: it counts stop words, sentences, line ends,
long words, links and boilerplate. It answers what a judge or a rewriter asks so that the whole way can be
run and tested without a key, and it says what it is wherever there is room to say so.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from curation.claude.stand_in.statistics import (
    Statistics,
    is_boilerplate,
    measure,
    sentences_of,
    stop_word_ratio,
    words_of,
)

MODEL = "offline-rules-1"
ABOUT = f"{MODEL}: rules over text statistics, not a language model."

SCORE_MAX = 5.0
_PARAGRAPH = 4  # sentences
_KEPT_RATIO = 0.5  # of the characters of a text, in a rewrite
_OVERSHOOT = 1.2  # a sentence may exceed the room that is left by so much
_DOCUMENT = re.compile(r"<document-([A-Za-z0-9]+)>\s*(.*?)\s*</document-\1>", re.DOTALL)
_ADDRESSES_MODEL = re.compile(
    r"(?:ignore|disregard|forget)\s+(?:all|any|the|your|previous|prior|above)\b.{0,40}\b(?:instruction|prompt|rule)"
    r"|\bas an ai\b|\byou are (?:an? )?(?:ai|assistant|language model|judge|grader|rater)\b|\bsystem prompt\b"
    r"|\b(?:assign|give|rate|award|output|return)\b.{0,40}\b(?:score|rating|grade|marks?)\b.{0,20}\d",
    re.IGNORECASE | re.DOTALL,
)


def document_in(message: str) -> str:
    """The document in a user message: what stands between <document-NONCE> and </document-NONCE>, decoded
    where it is a JSON string; the whole message where there are no such delimiters."""
    found = _DOCUMENT.search(message)
    if found is None:
        return message
    inner = found.group(2)
    try:
        decoded = json.loads(inner)
    except json.JSONDecodeError:
        return inner
    if isinstance(decoded, dict):
        decoded = decoded.get("text", inner)
    return decoded if isinstance(decoded, str) else inner


def answer(message: str, schema: Mapping[str, Any] | None) -> str:
    """The answer to a user message: JSON that fits `schema`, or plain text without one."""
    if schema is None:
        return f"{ABOUT} Ask with a JSON schema for a score or a rewritten text."
    document = document_in(message)
    return json.dumps(_fill(schema, schema, "", document, measure(document)), ensure_ascii=False)


def score(s: Statistics) -> float:
    """0 to 5: how much a text looks like plain, well-formed English prose. Five points, each earned in part
    (stop words, line ends, cleanness, sentence length, plain words); less for a text too short to say much or
    made of a page's furniture, and none without the stop words of English prose."""
    prose = _ramp(s.stop_word_ratio, 0.15, 0.38)
    clean = 1.0 - _ramp(s.boilerplate_ratio + 5 * s.link_ratio + 5 * s.symbol_ratio, 0.0, 0.6)
    sentences = _ramp(s.sentence_words, 4, 10) * (1.0 - _ramp(s.sentence_words, 18, 45))
    plain = 1.0 - _ramp(s.long_word_ratio, 0.05, 0.40)
    ended = _ramp(s.ended_line_ratio, 0.3, 0.95)
    points = prose + ended + clean + sentences + plain
    return points * _ramp(s.words, 10, 100) * _ramp(prose, 0.0, 0.5) * _ramp(ended + clean, 0.0, 1.0)


def _ramp(x: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high`, a straight line between."""
    return min(1.0, max(0.0, (x - low) / (high - low)))


def evidence(s: Statistics) -> str:
    """The statistics behind a score, in a sentence."""
    counts = f"{s.words} words, {s.stop_word_ratio:.0%} stop words, {s.long_word_ratio:.0%} long words"
    shape = f"{s.sentence_words:.0f} words a sentence, {s.ended_line_ratio:.0%} in lines that end a sentence"
    return f"{ABOUT} {counts}, {shape}, {s.boilerplate_ratio:.0%} boilerplate lines."


def rewrite(text: str) -> str:
    """About half of `text`: its most typical sentences, verbatim and in order, as paragraphs.

    Extractive summarisation by word frequency (Luhn, 1958): a sentence counts by how much it says of what
    the text says often. Nothing is said that the text does not say.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip() and not is_boilerplate(line)]
    sentences = list(dict.fromkeys(sentence for line in lines for sentence in sentences_of(line)))
    frequency = Counter(word for sentence in sentences for word in words_of(sentence))
    weights = [_weight(sentence, frequency) for sentence in sentences]
    order = sorted(range(len(sentences)), key=lambda i: (-weights[i], i))
    room = _KEPT_RATIO * sum(map(len, sentences))
    kept: list[int] = []
    for i in order:
        if not kept or (weights[i] > 0 and len(sentences[i]) <= room * _OVERSHOOT):
            kept.append(i)
            room -= len(sentences[i])
    chosen = [sentences[i] for i in sorted(kept)]
    return "\n\n".join(" ".join(chosen[i : i + _PARAGRAPH]) for i in range(0, len(chosen), _PARAGRAPH))


def _weight(sentence: str, frequency: Counter[str]) -> float:
    words = words_of(sentence)
    content = [word for word in words if len(word) > 3]
    if not 6 <= len(words) <= 60 or not content:
        return 0.0
    typical = sum(frequency[word] - 1 for word in content) / len(content)
    return (1.0 + typical) * _ramp(stop_word_ratio(words), 0.0, 0.3)


def _fill(part: Mapping[str, Any], root: Mapping[str, Any], name: str, text: str, s: Statistics) -> Any:
    """A value that `part` of the schema allows, by its type and its property's name."""
    if "$ref" in part or "anyOf" in part:
        first = root["$defs"][part["$ref"].rsplit("/", 1)[-1]] if "$ref" in part else part["anyOf"][0]
        return _fill(first, root, name, text, s)
    if "enum" in part or "const" in part:
        return _choose(part.get("enum", [part.get("const")]), s)
    kind = part["type"]
    if kind == "object":
        return {n: _fill(p, root, n, text, s) for n, p in part.get("properties", {}).items()}
    if kind == "string":
        return rewrite(text) if name == "text" else evidence(s)
    addresses = name == "addresses_model" and _ADDRESSES_MODEL.search(text) is not None
    return {"boolean": addresses, "integer": round(score(s)), "number": score(s), "array": [], "null": None}[
        kind
    ]


def _choose(options: list[Any], s: Statistics) -> Any:
    """Of a scale of whole numbers the one that the score falls on; of other values the first."""
    if not all(isinstance(option, int) and not isinstance(option, bool) for option in options):
        return options[0]
    scale = sorted(options)
    return scale[round(score(s) / SCORE_MAX * (len(scale) - 1))]
