"""FineWeb's measures in plain Python: what `text.lines` is held to."""

import regex

from tests.text.reference_segments import Segments

_terminal = regex.compile(r"\p{Sentence_Terminal}")


def fineweb(segments: Segments) -> dict[str, float]:
    """FineWeb's values, and the two counts of lines."""
    text, lines = segments.text, segments.lines
    repeats = sum(map(len, lines)) - sum(map(len, set(lines)))
    return {
        "terminal_line_ratio": _ratio(sum(bool(_terminal.match(line[-1])) for line in lines), len(lines)),
        "short_line_ratio": _ratio(sum(len(line) <= 30 for line in lines), len(lines)),
        "duplicate_char_ratio": _ratio(repeats, len(text.replace("\n", ""))),
        "line_feed_ratio": _ratio(text.count("\n"), len(segments.tokens)),
        "line_count": len(lines),
        "long_line_count": sum(len(line) >= 200 for line in lines),
    }


def _ratio(part: int, whole: int) -> float:
    return min(part / whole, 1.0) if whole else 0.0
