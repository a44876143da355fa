"""Where the real data sets beside the checkout lie; a user has none, so what needs them is skipped."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_path(name: str) -> Path:
    """The path of `name` under ../shared, or a skip that says what is missing."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs the data set {name} in a folder `shared` beside the checkout")
    return path
