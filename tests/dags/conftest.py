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
    one that merges its keys in tasks side by side, one whose judge is held to gold labels, one that wants to
    be asked before money is spent, one that judges in three rounds and requires the gate, one of a model
    without a price."""
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "little.yaml").write_text(SMALL)
    (folder / "torn.yaml").write_text(SMALL.replace("schedule", "shedule").replace("small", "torn"))
    (folder / "twin.yaml").write_text(SMALL)
    wide = SMALL + "select: {duplicates: {key_ranges: 8}}\n"
    (folder / "wide.yaml").write_text(wide.replace("name: small", "name: wide"))
    (folder / "held.yaml").write_text(SMALL.replace("small", "held") + "judge: {gold: {path: gold.csv}}\n")
    asking = (
        SMALL + "judge: {model: claude-haiku-5-5}\nsynthesize: {permission: none}\nbudget: {ask_usd: 2}\n"
    )
    (folder / "asking.yaml").write_text(asking.replace("name: small", "name: asking"))
    loop = "judge: {model: claude-haiku-5-5, rounds: 3, gate: required}\nbudget: {ask_usd: 2}\n"
    (folder / "loop.yaml").write_text(SMALL.replace("small", "loop") + loop)
    unpriced = asking.replace("haiku-5-5", "haiku-9").replace("name: small", "name: unpriced")
    (folder / "unpriced.yaml").write_text(unpriced)
    return folder


@pytest.fixture(scope="session")
def dags(recipes):
    """Every DAG by its id."""
    os.environ["CURATION_RECIPES"] = str(recipes)
    try:
        return importlib.import_module("curation_dags").make_dags()
    finally:
        del os.environ["CURATION_RECIPES"]
