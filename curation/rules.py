"""Rules: SQL conditions over a document's columns, checked before anything runs, evaluated by DuckDB.

A rule looks at one document at a time: no aggregates, windows or subqueries. A condition that is NULL
does not hold. Nothing outside the columns can be read.
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from curation.errors import RecipeError


def connect() -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory that can open no file, whose rows keep their order and whose days are UTC's."""
    db = duckdb.connect(":memory:", config={"threads": 1, "enable_external_access": False})
    db.execute("SET TimeZone = 'UTC'")  # else a rule about `fetched_at` would ask the machine's clock for it
    return db


def check(drop: Mapping[str, str], columns: pa.Schema) -> dict[str, frozenset[str]]:
    """The columns that each rule reads, by its reason.

    Raises RecipeError for a condition that is no SQL, names an unknown column or function, gives no truth
    value, or looks beyond one document.
    """
    return dict(_checked(tuple(drop.items()), columns))


@lru_cache(maxsize=32)  # every step of a run asks, and DuckDB takes a fifth of a second
def _checked(drop: tuple[tuple[str, str], ...], columns: pa.Schema) -> dict[str, frozenset[str]]:
    with connect() as db:
        db.register("documents", pa.Table.from_batches([], columns))  # empty_table() would import pandas
        return {reason: _check(db, reason, condition, columns.names) for reason, condition in drop}


def reasons(db: duckdb.DuckDBPyConnection, drop: Mapping[str, str], rows: pa.Table) -> pa.ChunkedArray:
    """For each row the reason of the first rule that holds, or null."""
    if not drop:
        return pa.chunked_array([pa.nulls(rows.num_rows, pa.string())])
    cases = " ".join(f"WHEN ({condition}\n) THEN '{reason}'" for reason, condition in drop.items())
    return _query(db, f"CASE {cases} END AS reason", rows).column("reason").cast(pa.string())


def verdicts(drop: Mapping[str, str], row: pa.Table) -> dict[str, bool]:
    """Whether each rule holds for the one row of `row`; all of them, not only the first."""
    with connect() as db:
        if not drop:
            return {}
        wanted = ", ".join(
            f'coalesce(({condition}\n), false) AS "{reason}"' for reason, condition in drop.items()
        )
        found = _query(db, wanted, row).to_pylist()[0]
    return {reason: bool(found[reason]) for reason in drop}


def _query(db: duckdb.DuckDBPyConnection, wanted: str, rows: pa.Table) -> pa.Table:
    db.register("documents", rows)
    try:
        return db.sql(f"SELECT {wanted} FROM documents").to_arrow_table()
    except duckdb.Error as error:
        raise RecipeError(f"a rule cannot be evaluated: {_first_line(error)}") from error
    finally:
        db.unregister("documents")


def _check(db: duckdb.DuckDBPyConnection, reason: str, condition: str, known: list[str]) -> frozenset[str]:
    where = f"select.drop.{reason}: {condition!r}"
    tree = json.loads(
        db.execute("SELECT json_serialize_sql(?)", [f"SELECT ({condition}\n) FROM documents"]).fetchall()[0][
            0
        ]
    )
    if tree["error"]:
        raise RecipeError(f"{where} is not a SQL condition: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise RecipeError(f"{where} is more than one statement; write one condition")
    node = tree["statements"][0]["node"]
    if len(node["select_list"]) != 1:
        raise RecipeError(f"{where} is more than one expression; write one condition")
    expressions = list(_walk(node["select_list"][0]))
    for expression in expressions:
        if expression.get("class") in ("SUBQUERY", "WINDOW"):
            raise RecipeError(f"{where} looks beyond one document: subqueries and windows are not for rules")
        if expression.get("class") == "STAR":
            raise RecipeError(f"{where} stands for several conditions: name the columns, not * or COLUMNS()")
    called = [e for e in expressions if e.get("class") == "FUNCTION"]
    unsteady = {e["function_name"] for e in called} & _unsteady()
    # Not so by its name: of one argument only, age() counts from today.
    unsteady |= {"age"} & {e["function_name"] for e in called if len(e["arguments"]) == 1}
    if unsteady:
        raise RecipeError(f"{where}: {min(unsteady)}() differs from run to run; a rule reads columns alone")
    names = frozenset(e["column_names"][-1] for e in expressions if e.get("class") == "COLUMN_REF")
    for name in sorted(names):
        if name.lower() not in (k.lower() for k in known):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            raise RecipeError(
                f"{where}: no column {name!r}; the nearest is {near[0]!r}. Columns: {', '.join(known)}"
            )
    _bind(db, where, condition)
    return frozenset(k for k in known if k.lower() in {n.lower() for n in names})


def _bind(db: duckdb.DuckDBPyConnection, where: str, condition: str) -> None:
    try:
        found = db.execute(f"SELECT ({condition}\n) AS holds, * FROM documents LIMIT 0").description
    except duckdb.Error as error:
        raise RecipeError(f"{where}: {_first_line(error)}") from error
    kind = str(found[0][1])
    if kind not in ("BOOLEAN", "bool"):
        raise RecipeError(f"{where} gives {kind}, not true or false; compare it with something")


@cache
def _unsteady() -> frozenset[str]:
    """Names of the functions whose value depends on more than their arguments: random(), now() …"""
    with connect() as db:
        rows = db.execute(
            "SELECT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
        ).fetchall()
    return frozenset(name for (name,) in rows)


def _walk(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _walk(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _walk(value)


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
