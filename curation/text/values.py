"""The names of what `rules` measures. Without the kernels, so that a recipe's columns are known at once."""

from typing import NamedTuple

STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
"""Gopher's (Rae et al., 2021, section A1.1)."""


class Values(NamedTuple):
    """The values of one text, in the order of the columns of `measure`."""

    # Gopher, quality
    word_count: int
    mean_word_chars: float  # code points of a word
    hash_ratio: float  # hash signs to tokens
    ellipsis_ratio: float  # ellipses (… or ...) to tokens
    bullet_line_ratio: float  # lines that start with • or -
    ellipsis_line_ratio: float  # lines that end with an ellipsis
    alphabetic_ratio: float  # tokens with at least one letter
    stop_word_count: int  # how many of the eight occur, in any case
    # Gopher, repetition
    duplicate_line_ratio: float
    duplicate_line_char_ratio: float
    duplicate_paragraph_ratio: float
    duplicate_paragraph_char_ratio: float
    top_2gram_char_ratio: float
    top_3gram_char_ratio: float
    top_4gram_char_ratio: float
    duplicate_5gram_char_ratio: float
    duplicate_6gram_char_ratio: float
    duplicate_7gram_char_ratio: float
    duplicate_8gram_char_ratio: float
    duplicate_9gram_char_ratio: float
    duplicate_10gram_char_ratio: float
    # FineWeb
    terminal_line_ratio: float  # lines that end with terminal punctuation, not with a space behind it
    short_line_ratio: float  # lines of at most 30 characters
    duplicate_char_ratio: float  # characters of duplicate lines, to all that are no line feeds
    line_feed_ratio: float  # line feeds to tokens
    # C4: lines by the first rule that they break, and what stays
    line_count: int  # that are not blank
    long_line_count: int  # of at least 200 characters: mC4 wants three
    c4_long_word_line_count: int
    c4_unpunctuated_line_count: int
    c4_few_word_line_count: int
    c4_javascript_line_count: int
    c4_policy_line_count: int
    c4_lorem_ipsum_line_count: int
    c4_curly_bracket_line_count: int
    c4_line_count: int  # that stay
    c4_sentence_count: int  # of the lines that stay
