"""The command line: a user's mistake is a sentence, and what it shows is what the lake holds."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from curation import cli, pipeline
from curation.claude import stand_in
from curation.errors import BudgetError
from curation.pipeline import Job

PROSE = "The bridge was built by the people of the town, and it is still used by them every day of the year. "


def curation(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command as a user has it, without what this machine's environment says."""
    hidden = ("CURATION_", "ANTHROPIC_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    return subprocess.run(
        [str(Path(sys.executable).with_name("curation")), *arguments],
        capture_output=True, text=True, cwd=cwd, env={**environment, "COLUMNS": "200"}, check=False,
    )  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    lines = [f'{{"id": "{n}", "text": "{n}. {PROSE * (1 + n % 3)}"}}' for n in range(30)]
    (tmp_path / "posts.jsonl").write_text("\n".join([*lines, "not json"]))
    (tmp_path / "small.yaml").write_text(
        "name: small\n"
        "interval: {start: 2025-11-03, end: 2025-11-04}\n"
        "sources:\n"
        "  - {name: posts, format: jsonl, path: posts.jsonl, columns: {id: id}}\n"
        "select:\n"
        "  drop: {too_few_words: word_count < 30}\n"
    )
    return tmp_path


def test_a_run_shows_the_funnel_and_a_second_run_has_nothing_to_do(small: Path) -> None:
    first = curation("run", "-r", "small.yaml", "-l", "a lake", cwd=small)
    assert first.returncode == 0, first.stderr
    assert "too_few_words" in first.stdout
    assert "Release (written)" in first.stdout
    second = curation("run", "-r", "small.yaml", "-l", "a lake", cwd=small)
    assert second.returncode == 0, second.stderr
    assert "nothing to do" in second.stdout
    assert "0 requests" in second.stdout
    (quarantined,) = (small / "a lake").glob("documents/*/all/quarantine-*.parquet")
    assert pl.read_parquet(quarantined)["reason"].to_list() == ["broken_json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("word_count", "wrd_count"), "nearest is 'word_count'"),
        (("format: jsonl", "format: json"), "small.yaml:4"),
        (("posts.jsonl", "nowhere.jsonl"), "nothing matches"),
        (("name: small\n", "name: small\ncolour: red\n"), "`colour` is no setting"),
    ],
)
def test_a_mistake_in_a_recipe_is_a_sentence_without_a_stack_trace(
    small: Path, change: tuple[str, str], message: str
) -> None:
    file = small / "small.yaml"
    file.write_text(file.read_text().replace(*change))
    ran = curation("run", "-r", "small.yaml", cwd=small)
    assert ran.returncode == 1
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "-r", "no-such-recipe"), "no recipe at no-such-recipe"),
        (("explain", "abc", "-r", "small.yaml"), "not in the lake yet"),
        (("report", "-r", "small.yaml"), "not in the lake yet"),
        (("run", "-r", "small.yaml", "-l", "posts.jsonl"), "posts.jsonl"),
        (("report", "-r", "no[/]thing.yaml"), "no recipe at no[/]thing.yaml"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_sentence(
    small: Path, arguments: tuple[str, ...], message: str
) -> None:
    ran = curation(*arguments, cwd=small)
    assert ran.returncode == 1
    assert message in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_model_of_claudes_without_a_key_says_what_to_set(small: Path) -> None:
    file = small / "small.yaml"
    file.write_text(file.read_text() + "judge: {model: claude-haiku-5-5, sample: 20}\n")
    ran = curation("run", "-r", "small.yaml", cwd=small)
    assert ran.returncode == 1
    assert "ANTHROPIC_API_KEY" in ran.stderr
    assert not (small / "lake").exists()  # it is said before anything is computed


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("judge: {rubric: educatoinal}", "did you mean 'educational'?"),
        ("judge: {model: claude-haiku-9}", "no price for the model 'claude-haiku-9'"),
        ("synthesize: {prompt: pasage, permission: none}", "did you mean 'passage'?"),
    ],
)
def test_what_cannot_be_asked_is_said_before_anything_is_computed(
    small: Path, stage: str, message: str
) -> None:
    file = small / "small.yaml"
    file.write_text(file.read_text() + stage + "\n")
    ran = curation("run", "-r", "small.yaml", cwd=small)
    assert ran.returncode == 1
    assert message in ran.stderr
    assert not (small / "lake").exists()


def test_report_and_explain_show_what_was_decided(in_order: Job, recipe: Path, tmp_path: Path) -> None:
    where = ("-r", str(recipe), "-l", in_order.lake.root)
    report = curation("report", *where, "--png", str(tmp_path / "funnel.png"))
    assert report.returncode == 0, report.stderr
    assert "near_duplicate" in report.stdout
    assert (tmp_path / "funnel.png").read_bytes().startswith(b"\x89PNG")
    decided = pl.concat([pl.read_parquet(uri) for uri in pipeline.decided(in_order).part_uris()])
    row = decided.filter(pl.col("reason") == "near_duplicate").row(0, named=True)
    explained = curation("explain", row["id"], *where)
    assert explained.returncode == 0, explained.stderr
    assert row["duplicate_of"] in explained.stdout
    assert "dropped: near_duplicate" in explained.stdout


def test_near_copies_of_a_text_are_listed_the_nearest_first(
    in_order: Job, recipe: Path, tmp_path: Path
) -> None:
    decided = pl.concat([pl.read_parquet(uri) for uri in pipeline.decided(in_order).part_uris()])
    row = decided.filter(pl.col("reason") == "near_duplicate").row(0, named=True)
    documents = [
        pl.read_parquet(uri, columns=["id", "text"])
        for partition in pipeline.everything(in_order)
        for uri in partition.documents.part_uris()
    ]
    text = pl.concat(documents).filter(pl.col("id") == row["duplicate_of"])["text"][0]
    (tmp_path / "text.txt").write_text(text)
    where = ("-r", str(recipe), "-l", in_order.lake.root)
    shown = curation("duplicates", "--of", str(tmp_path / "text.txt"), *where)
    assert shown.returncode == 0, shown.stderr
    assert row["duplicate_of"] in shown.stdout, shown.stdout
    assert shown.stdout.index(row["duplicate_of"]) < shown.stdout.index(row["id"])
    (tmp_path / "text.txt").write_text("No such words are in any of these documents, of that we are sure.")
    nothing = curation("duplicates", "--of", str(tmp_path / "text.txt"), *where)
    assert "No document of this recipe shares a band" in nothing.stdout


def test_an_alarm_stops_a_run_until_it_is_approved(small: Path) -> None:
    """Of the 20 documents that are long enough, one stays."""
    where = ("-r", "small.yaml", "-l", "lake")
    with (small / "small.yaml").open("a") as file:
        file.write("alarms: {source_loss: 0.5}\n")
    stopped = curation("run", *where, cwd=small)
    assert stopped.returncode == 1
    assert "19 of the 20 documents" in stopped.stderr
    assert "raise alarms.source_loss" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert not (small / "lake" / "releases").exists()
    assert "not approved" in curation("report", *where, cwd=small).stdout
    approved = curation("approve", *where, "--why", "copies, [as] agreed", cwd=small)
    assert approved.returncode == 0, approved.stderr
    assert "approved: copies, [as] agreed" in approved.stdout
    assert "19 of the 20 documents" in approved.stdout
    again = curation("run", *where, cwd=small)
    assert again.returncode == 0, again.stderr


def test_where_nothing_is_out_of_the_ordinary_there_is_nothing_to_approve(
    in_order: Job, recipe: Path
) -> None:
    told = curation("approve", "-r", str(recipe), "-l", in_order.lake.root, "--why", "to be sure")
    assert told.returncode == 0, told.stderr
    assert "raise no alarm" in told.stdout
    assert not (Path(in_order.lake.root) / "approvals").exists()


def test_a_full_bucket_is_reported_with_documents_and_words_to_judge_it_by(small: Path) -> None:
    file = small / "small.yaml"
    file.write_text(file.read_text() + "  duplicates: {max_bucket: 1}\n")
    assert curation("run", "-r", "small.yaml", cwd=small).returncode == 0
    reported = curation("report", "-r", "small.yaml", cwd=small)
    assert reported.returncode == 0, reported.stderr
    assert "hold 1 kept documents or more" in reported.stdout
    assert "The bridge was built by the people" in reported.stdout


def test_what_a_changed_recipe_leaves_behind_is_removed_only_if_asked_and_when_old(small: Path) -> None:
    where = ("-r", "small.yaml", "-l", "lake")
    assert curation("run", *where, cwd=small).returncode == 0
    file = small / "small.yaml"
    file.write_text(file.read_text().replace("word_count < 30", "word_count < 31"))
    assert curation("run", *where, cwd=small).returncode == 0
    files = set((small / "lake").rglob("*"))
    young = curation("gc", *where, "--delete", cwd=small)
    assert young.returncode == 0, young.stderr
    assert "younger than 24 hours" in young.stdout
    assert "Removed: 0 files" in young.stdout
    for path in files:
        os.utime(path, (0, 0))
    looked = curation("gc", *where, cwd=small)
    assert "no recipe" in looked.stdout
    assert set((small / "lake").rglob("*")) == files
    assert len(list((small / "lake" / "decisions").iterdir())) == 2
    deleted = curation("gc", *where, "--delete", cwd=small)
    assert deleted.returncode == 0, deleted.stderr
    assert len(list((small / "lake" / "decisions").iterdir())) == 1
    assert "too_few_words" in curation("report", *where, cwd=small).stdout
    assert "nothing to do" in curation("run", *where, cwd=small).stdout
    assert "--recipe" in curation("gc", "-l", "lake", cwd=small).stderr  # no recipe: nothing would be needed


def test_a_document_is_not_taken_down_in_a_folder_that_is_no_lake(tmp_path: Path) -> None:
    told = curation("remove", "https://example.org/a", "--why", "asked for", "--lake", "lkae", cwd=tmp_path)
    assert told.returncode == 1
    assert "lkae holds no documents" in told.stderr
    assert not (tmp_path / "lkae").exists()


def test_what_is_removed_leaves_the_next_release_and_the_last_one_is_named(small: Path) -> None:
    where = ("-r", "small.yaml", "-l", "lake")
    first = curation("run", *where, cwd=small)
    assert first.returncode == 0, first.stderr
    (release,) = (small / "lake" / "releases" / "small").iterdir()
    id_ = pl.read_parquet(release / "data")["id"][0]
    removed = curation("remove", id_, "--why", "its author asked", "-l", "lake", cwd=small)
    assert removed.returncode == 0, removed.stderr
    assert "1 documents" in removed.stdout
    assert f"small/{release.name}" in removed.stdout
    again = curation("run", *where, cwd=small)
    assert again.returncode == 0, again.stderr
    assert "taken_down" in again.stdout
    (new,) = set((small / "lake" / "releases" / "small").iterdir()) - {release}
    assert id_ not in pl.read_parquet(new / "data")["id"].to_list()


def test_a_judge_is_held_to_a_file_of_labels_and_a_second_time_has_nothing_to_do(small: Path) -> None:
    with (small / "small.yaml").open("a") as file:
        file.write("judge: {rubric: educational}\n")
    rows = [f'"{n}. {PROSE * (1 + n % 4)}",{("hard", "easy")[n % 2]},{n % 3}' for n in range(40)]
    (small / "gold.csv").write_text("\n".join(["body,level,site", *rows, "no label,,1"]))
    where = ("-r", "small.yaml", "-l", "lake", "--gold", "gold.csv", "--text", "body", "--label", "level")
    refused = curation("calibrate", *where, cwd=small)
    assert refused.returncode == 1
    assert "their order" in refused.stderr
    first = curation("calibrate", *where, "--source", "site", "--order", "hard,easy", cwd=small)
    assert first.returncode == 0, first.stderr
    assert "offline-rules-1 held to gold.csv, 40 documents" in first.stdout
    assert "Report (written)" in first.stdout
    [report] = (small / "lake" / "calibrations" / "small").glob("report-*.md")
    assert "1 no_label" in report.read_text()
    second = curation("calibrate", *where, "--source", "site", "--order", "hard,easy", cwd=small)
    assert "nothing to do" in second.stdout
    assert (
        "raise no alarm"
        in curation("approve", "-r", "small.yaml", "-l", "lake", "--why", "x", cwd=small).stdout
    )


def test_a_calibration_is_planned_and_priced_before_it_is_paid_for(
    small: Path, server: stand_in.StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (small / "small.yaml").open("a") as file:
        file.write("judge: {rubric: educational, model: claude-haiku-5-5}\n")
    rows = [f'"{n}. {PROSE * (1 + n % 4)}",{("hard", "easy")[n % 2]}' for n in range(40)]
    (small / "gold.csv").write_text("\n".join(["body,level", *rows]))
    monkeypatch.chdir(small)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    sent = server.counts["create"]
    where = ("-r", "small.yaml", "-l", "lake", "--gold", "gold.csv", "--text", "body", "--label", "level")
    planned, quoted, refused = (
        CliRunner().invoke(cli.app, [*command, *where, "--order", "hard,easy"])
        for command in (["plan"], ["quote"], ["calibrate", "--spend", "0"])
    )
    [row] = [line for line in planned.output.splitlines() if "│ calibrate" in line]
    assert "would run" in row
    assert "calibrate: what it would cost" in quoted.output
    assert isinstance(refused.exception, BudgetError)
    assert "the step calibrate is expected to cost $0.0" in str(refused.exception)
    assert server.counts["create"] == sent


def test_without_labels_to_hold_it_to_it_is_said_what_to_name(small: Path) -> None:
    with (small / "small.yaml").open("a") as file:
        file.write("judge: {rubric: educational}\n")
    ran = curation("calibrate", "-r", "small.yaml", cwd=small)
    assert ran.returncode == 1
    assert "--gold" in ran.stderr


def test_what_a_run_would_do_and_cost_is_shown_before_it_costs_anything(
    small: Path, server: stand_in.StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """plan → run --spend 0 → plan → quote: up to the step that costs, which is refused with its quote."""
    file, arguments = small / "small.yaml", ("-r", "small.yaml", "-l", "lake")
    file.write_text(file.read_text() + "judge: {model: claude-haiku-5-5, sample: 20}\n")
    first = curation("plan", *arguments, cwd=small)
    assert first.returncode == 0, first.stderr
    assert "requests not known before screen has run" in first.stdout
    assert not (small / "lake").exists()

    monkeypatch.chdir(small)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    sent = server.counts["create"]
    refused = CliRunner().invoke(cli.app, ["run", *arguments, "--spend", "0", "--workers", "1"])
    assert isinstance(refused.exception, BudgetError)
    assert "the step judge is expected to cost $0.00" in str(refused.exception)
    assert server.counts["create"] == sent

    planned, quoted = (curation(command, *arguments, cwd=small) for command in ("plan", "quote"))
    assert "requests to send, 0 answered before" in planned.stdout
    assert "not run yet" in planned.stdout
    for said in (planned.stdout, quoted.stdout):
        assert "$0.00" in said
        assert "--pilot" in said
    assert "claude-haiku-5-5" in quoted.stdout
    assert "from bytes alone" in quoted.stdout


def test_a_pilot_is_part_of_the_run_and_the_report_tells_what_was_asked(small: Path) -> None:
    file, arguments = small / "small.yaml", ("-r", "small.yaml", "-l", "lake")
    texts = "".join(f'{{"id": "{n}", "text": "{PROSE} {letters(n)} {PROSE}"}}\n' for n in range(30))
    (small / "posts.jsonl").write_text(texts)
    asking = "synthesize: {sample: 6, permission: extracts}\n"
    file.write_text(file.read_text().replace("select:", asking + "select:\n  duplicates: null"))
    unknown = curation("quote", *arguments, cwd=small)
    assert "not known before an earlier step has run" in unknown.stdout
    job = pipeline.open_job(file, str(small / "lake"))
    for uri in pipeline.plan(job, None):
        pipeline.ingest(job, uri)
        pipeline.annotate(job, uri)
        pipeline.publish(job, [uri])
    pipeline.select(job)
    pilot = curation("quote", *arguments, "--pilot", "4", cwd=small)
    assert "Sent as a pilot: 4 requests, $0" in pilot.stdout, pilot.stderr
    assert "2 (4 answered before" in pilot.stdout
    assert "Asked: 2 requests" in curation("run", *arguments, cwd=small).stdout
    report = curation("report", *arguments, cwd=small).stdout
    assert "synthesize" in report
    assert "/Mtok" in report
    assert "offline-rules-1" in report
    assert "tokens, at 4 bytes each" in report


def letters(n: int) -> str:
    return " ".join(f"{chr(97 + n % 26)}{chr(97 + n // 26)}{word}" for word in PROSE.split())
