"""How a time grows with a size."""

import math


def slope(points: list[tuple[float, float]]) -> float:
    """The exponent k of seconds ~ size ** k, by least squares over (size, seconds), both as logarithms."""
    x, y = ([math.log(value) for value in column] for column in zip(*points, strict=True))
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    products = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return products / sum((a - mean_x) ** 2 for a in x)
