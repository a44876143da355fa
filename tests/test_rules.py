"""Rules are checked before anything runs, and decide by columns alone."""

import time
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from curation import rules
from curation.errors import RecipeError

COLUMNS = pa.schema([("language", pa.string()), ("word_count", pa.int64()), ("url", pa.string())])


def refused(condition: str) -> str:
    with pytest.raises(RecipeError) as caught:
        rules.check({"some_reason": condition}, COLUMNS)
    return str(caught.value)


def test_the_columns_a_rule_reads_are_found_whatever_their_case() -> None:
    read = rules.check({"x": "Language <> 'en' OR lower(url) LIKE '%word_count%'"}, COLUMNS)
    assert read == {"x": {"language", "url"}}


def test_what_was_found_of_rules_holds_for_these_columns_alone() -> None:
    rule = {"x": "word_count > 1"}
    assert rules.check(rule, COLUMNS) == rules.check(rule, COLUMNS) == {"x": {"word_count"}}
    with pytest.raises(RecipeError, match="no column 'word_count'"):
        rules.check(rule, pa.schema([("language", pa.string())]))


def test_an_unknown_column_is_refused_with_the_nearest_name() -> None:
    message = refused("langage = 'en'")
    assert "select.drop.some_reason" in message
    assert "nearest is 'language'" in message


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        ("word_count >", "not a SQL condition"),
        ("word_count", "not true or false"),
        ("word_count > 1; DROP TABLE documents", "not a SQL condition"),
        ("word_count > 1, 2", "not true or false"),
        ("row_number() OVER () > 1", "beyond one document"),
        ("word_count > (SELECT 1)", "beyond one document"),
        ("EXISTS (SELECT * FROM read_csv('/etc/passwd'))", "beyond one document"),
        ("sum(word_count) > 1", "GROUP BY"),
        ("no_such_function(word_count)", "no_such_function"),
        ("random() < 0.5", "differs from run to run"),
        ("now() > TIMESTAMP '2025-01-01'", "differs from run to run"),
        ("age(TIMESTAMP '2025-01-01') > INTERVAL 1 DAY", "differs from run to run"),
        ("COLUMNS('word.*') > 1", "several conditions"),
        ("getenv('HOME') = url", "getenv"),
    ],
)
def test_what_is_no_rule_over_one_document_is_refused(condition: str, part: str) -> None:
    assert part in refused(condition)


def test_the_first_rule_that_holds_gives_the_reason_and_null_does_not_hold() -> None:
    rows = pa.table(
        {"language": ["en", None, "de", "de"], "word_count": [1, 9, 1, 9], "url": [None] * 4}, schema=COLUMNS
    )
    drop = {"too_few_words": "word_count < 5", "not_english": "language <> 'en'"}
    with rules.connect() as db:
        reasons = rules.reasons(db, drop, rows).to_pylist()
    assert reasons == ["too_few_words", None, "too_few_words", "not_english"]


def test_rows_keep_their_order_over_many_batches() -> None:
    rows = pa.table({"word_count": list(range(200_000))})
    with rules.connect() as db:
        reasons = rules.reasons(db, {"odd": "word_count % 2 = 1"}, rows).to_pylist()
    assert reasons == [None, "odd"] * 100_000


def test_every_rule_is_told_for_one_document_not_only_the_first() -> None:
    row = pa.table({"language": ["de"], "word_count": [1], "url": [None]}, schema=COLUMNS)
    drop = {"a": "word_count < 5", "b": "language <> 'en'", "c": "url = 'x'"}
    assert rules.verdicts(drop, row) == {"a": True, "b": True, "c": False}


def test_a_comment_at_a_conditions_end_is_no_part_of_it() -> None:
    rows = pa.table({"word_count": [1, 9]})
    drop = {"too_few_words": "word_count < 5 -- a greeting"}
    with rules.connect() as db:
        assert rules.reasons(db, drop, rows).to_pylist() == ["too_few_words", None]
    assert rules.verdicts(drop, rows.slice(0, 1)) == {"too_few_words": True}


def test_a_day_is_utcs_wherever_the_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2025, 11, 3, 23, tzinfo=UTC)
    rows = pa.table({"fetched_at": pa.array([moment], pa.timestamp("us", tz="UTC"))})
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert rules.verdicts({"x": "fetched_at < '2025-11-03 23:30'"}, rows) == {"x": True}
    finally:
        monkeypatch.undo()
        time.tzset()
