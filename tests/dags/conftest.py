"""Airflow in a folder of its own, and the project's DAGs of the shipped recipes and a few more."""

import importlib
import os
import sys
import tempfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="curation-airflow-"))
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] = "False"
for folder in ("plugins", "dags"):
    if str(PROJECT / folder) not in sys.path:
        sys.path.insert(0, str(PROJECT / folder))

SMALL = """
name: small
interval: {start: 2025-12-30, end: 2026-01-02}
schedule: "0 6 * * *"
sources:
  - {name: web, format: jsonl, path: "in/{partition}.jsonl"}
"""


@pytest.fixture(scope="session")
def recipes(tmp_path_factory):
    """A folder of recipes: one that asks for little, one that cannot be read, one whose name is taken,
    one that merges its keys in tasks side by side."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "little.yaml").write_text(SMALL)
    (folder / "torn.yaml").write_text(SMALL.replace("schedule", "shedule").replace("small", "torn"))
    (folder / "twin.yaml").write_text(SMALL)
    wide = SMALL + "select: {duplicates: {key_ranges: 8}}\n"
    (folder / "wide.yaml").write_text(wide.replace("name: small", "name: wide"))
    return folder


@pytest.fixture(scope="session")
def dags(recipes):
    """Every DAG by its id."""
    os.environ["CURATION_RECIPES"] = str(recipes)
    try:
        return importlib.import_module("curation_dags").make_dags()
    finally:
        del os.environ["CURATION_RECIPES"]
