"""Pure functions over text: words, lines, repetition, statistics, shingles. No I/O here."""
