"""How a benchmark tells its figures: a line each, then all of them as JSON."""

import json
from collections.abc import Mapping


def tell(figures: Mapping[str, object]) -> None:
    """Print `figures`, floats to three places."""
    told = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    for name, value in told.items():
        print(f"{name:<26}{value}")
    print(json.dumps(told))
