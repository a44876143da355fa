"""What stands about a number."""


def in_url(text: str, start: int) -> bool:
    """Whether what begins at `start` belongs to a URL (but not one of `tel:`)."""
    before = text[max(start - 200, 0) : start]
    word = before[max(map(before.rfind, " \n\t\"'<>()[]")) + 1 :]
    return "://" in word or word.startswith("www.")


def is_word(char: str) -> bool:
    """Whether a number that `char` follows goes on: scripts without spaces may follow a number at once."""
    return char.isascii() and char.isalnum()
