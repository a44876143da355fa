"""A training: it learns, survives kill -9 with the same batches, and says clearly what it cannot do."""

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from curation.errors import InputError, LakeError, RecipeError
from curation.pretrain import checkpoint, identity, pretrain, telemetry
from curation.recipe import Pretrain
from tests.pretrain.releases import toy_texts, write_release

SMALL = Pretrain(
    steps=30, batch_rows=4, context=32, layers=2, heads=2, width=32, warmup_steps=4, checkpoint_every=8
)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_release(tmp_path_factory.mktemp("train") / "release", [toy_texts(100), [], toy_texts(50)])


@pytest.fixture(scope="module")
def whole(release: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A training that nobody disturbed: its result and its steps."""
    seen: list[int] = []
    out = tmp_path_factory.mktemp("whole")
    result = pretrain(release, out, SMALL, on_step=lambda row: seen.append(row["step"]))
    return {
        "out": out,
        "result": result,
        "seen": seen,
        "steps": telemetry.read_steps(result.telemetry).to_pylist(),
    }


def assert_same_training(steps: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert [row["step"] for row in steps] == list(range(SMALL.steps))
    assert [row["rows"] for row in steps] == [row["rows"] for row in expected]
    assert [row["loss"] for row in steps] == pytest.approx([row["loss"] for row in expected], rel=1e-3)


def test_the_loss_falls_and_held_out_text_is_predicted(whole: dict[str, Any]) -> None:
    losses = [row["loss"] for row in whole["steps"]]
    assert losses[0] == pytest.approx(math.log(4096), abs=0.3)
    assert whole["result"].final_loss < losses[0] - 2
    assert 0 < whole["result"].held_out_bits_per_byte < 4
    assert whole["seen"] == list(range(SMALL.steps))


def test_telemetry_accounts_for_every_step_and_segment(whole: dict[str, Any]) -> None:
    result, steps = whole["result"], whole["steps"]
    assert all(row["seconds"] > 0 and row["tokens_per_second"] > 0 and not row["skipped"] for row in steps)
    assert [len(row["rows"]) for row in steps] == [SMALL.batch_rows] * SMALL.steps
    names = sorted(path.name for path in (result.telemetry / "steps").iterdir())
    assert names[0] == "00000000-00000008.parquet"
    assert names[-1] == "00000024-00000030.parquet"
    segments = pq.read_table(result.telemetry / "segments").to_pylist()
    for row in steps:
        own = [s for s in segments if s["step"] == row["step"] and s["loss"] is not None]
        assert sum(s["tokens"] for s in own) == row["tokens"]
        assert sum(s["tokens"] * s["loss"] for s in own) / row["tokens"] == pytest.approx(
            row["loss"], rel=1e-4
        )
        assert {s["row"] for s in own} <= set(row["rows"])
        assert all(s["document"].startswith("document-") for s in own)


def test_a_finished_training_is_found_and_nothing_is_computed(
    whole: dict[str, Any], release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def computed(*_: object) -> None:
        raise AssertionError("a step was taken")

    monkeypatch.setattr("curation.pretrain.step.take", computed)
    result = whole["result"]
    before = {path: path.stat().st_mtime_ns for path in result.folder.rglob("*")}
    found = pretrain(release, whole["out"], SMALL.model_copy(update={"checkpoint_every": 5}))
    assert (found.found, result.found) == (True, False)
    assert (found.final_loss, found.held_out_bits_per_byte) == (
        result.final_loss,
        result.held_out_bits_per_byte,
    )
    assert before == {path: path.stat().st_mtime_ns for path in result.folder.rglob("*")}
    assert found.checkpoint.is_file()
    assert found.plot.read_bytes().startswith(b"\x89PNG")


def test_other_settings_or_another_release_are_another_training(release: Path, tmp_path: Path) -> None:
    other = write_release(tmp_path / "other", [toy_texts(101)])
    settings = [SMALL, SMALL.model_copy(update={"seed": 1}), SMALL.model_copy(update={"steps": 31})]
    names = {identity(source, one) for source in (release, other) for one in settings}
    assert len(names) == 6


def test_kill_9_in_the_middle_then_again_gives_the_same_training(
    release: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from curation.pretrain import pretrain\n"
        "from curation.recipe import Pretrain\n"
        "pretrain(Path(sys.argv[1]), Path(sys.argv[2]), Pretrain.model_validate_json(sys.argv[3]),\n"
        "         on_step=lambda row: print(row['step'], flush=True))"
    )
    arguments = [sys.executable, "-c", code, str(release), str(tmp_path), SMALL.model_dump_json()]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if int(line) == 19:  # behind the checkpoint of 16 steps, before that of 24
                os.kill(process.pid, signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    folder = tmp_path / identity(release, SMALL)
    assert not (folder / "result.json").exists()
    seen: list[int] = []
    result = pretrain(release, tmp_path, SMALL, on_step=lambda row: seen.append(row["step"]))
    assert seen == list(range(16, SMALL.steps))
    assert_same_training(telemetry.read_steps(result.telemetry).to_pylist(), whole["steps"])
    assert result.held_out_bits_per_byte == pytest.approx(whole["result"].held_out_bits_per_byte, rel=1e-3)


def test_killed_between_telemetry_and_checkpoint_no_step_is_doubled(
    release: Path, whole: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = checkpoint.save

    def killed(folder: Path, step: int, *state: Any) -> Path:
        if step == 24:
            raise KeyboardInterrupt
        return original(folder, step, *state)

    monkeypatch.setattr(checkpoint, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        pretrain(release, tmp_path, SMALL)
    monkeypatch.undo()
    published = telemetry.read_steps(tmp_path / identity(release, SMALL) / "telemetry")
    assert published["step"].to_pylist() == list(range(24))
    changed = SMALL.model_copy(update={"checkpoint_every": 5})  # not part of what a training is
    result = pretrain(release, tmp_path, changed)
    assert_same_training(telemetry.read_steps(result.telemetry).to_pylist(), whole["steps"])
    segments = pq.read_table(result.telemetry / "segments").to_pylist()
    assert sum(row["tokens"] for row in segments) == sum(row["tokens"] for row in whole["steps"])


def test_windows_of_steps_read_at_once_say_the_same_as_step_by_step(
    release: Path, whole: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On CUDA measurements are read every 16 steps; here the processor is made to do so."""
    original = telemetry.Telemetry
    monkeypatch.setattr(
        telemetry, "Telemetry", lambda folder, packed, first, _: original(folder, packed, first, 5)
    )
    seen: list[int] = []
    result = pretrain(release, tmp_path, SMALL, on_step=lambda row: seen.append(row["step"]))
    assert seen == list(range(SMALL.steps))
    assert_same_training(telemetry.read_steps(result.telemetry).to_pylist(), whole["steps"])


def test_a_loss_that_stays_not_finite_ends_the_training_with_flagged_steps(
    release: Path, tmp_path: Path
) -> None:
    settings = SMALL.model_copy(update={"learning_rate": 1e30, "warmup_steps": 0})
    with pytest.raises(RecipeError, match=r"not finite in 8 steps in a row.*learning_rate 1e\+30"):
        pretrain(release, tmp_path, settings)
    steps = telemetry.read_steps(tmp_path / identity(release, settings) / "telemetry").to_pylist()
    assert [row["skipped"] for row in steps[-8:]] == [True] * 8
    assert len(steps) < SMALL.steps
    assert not (tmp_path / identity(release, settings) / "result.json").exists()


def test_one_step_that_is_not_finite_is_skipped_and_the_training_goes_on(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from curation.pretrain import step

    original, calls = step.token_losses, []

    def planted(*arguments: Any) -> Any:
        losses, logsumexp, predicted = original(*arguments)
        calls.append(1)
        return (losses * float("nan") if len(calls) == 6 else losses), logsumexp, predicted

    monkeypatch.setattr(step, "token_losses", planted)
    result = pretrain(release, tmp_path, SMALL.model_copy(update={"steps": 12}))
    steps = telemetry.read_steps(result.telemetry).to_pylist()
    assert [row["step"] for row in steps if row["skipped"]] == [5]
    assert math.isnan(steps[5]["loss"])
    assert math.isfinite(result.final_loss)


def test_two_processes_do_not_train_the_same_at_once(release: Path, tmp_path: Path) -> None:
    refused = []

    def again(row: Any) -> None:
        if row["step"] == 1:
            with pytest.raises(LakeError, match="is being trained by another process"):
                pretrain(release, tmp_path, settings)
            refused.append(row["step"])

    settings = SMALL.model_copy(update={"steps": 3})
    pretrain(release, tmp_path, settings, on_step=again)
    assert refused == [1]


def test_a_damaged_checkpoint_is_named_and_the_one_before_can_be_taken(release: Path, tmp_path: Path) -> None:
    settings = SMALL.model_copy(update={"steps": 20})
    result = pretrain(release, tmp_path, settings)
    (result.folder / "result.json").unlink()
    kept = sorted(path.name for path in result.checkpoint.parent.iterdir())
    assert kept == ["step-00000016.pt", "step-00000020.pt"]
    result.checkpoint.write_bytes(result.checkpoint.read_bytes()[:1000])
    with pytest.raises(LakeError, match=r"step-00000020\.pt cannot be resumed from"):
        pretrain(release, tmp_path, settings)
    result.checkpoint.unlink()
    seen: list[int] = []
    again = pretrain(release, tmp_path, settings, on_step=lambda row: seen.append(row["step"]))
    assert seen == [16, 17, 18, 19]
    assert again.final_loss == pytest.approx(result.final_loss, rel=1e-3)


def test_a_release_of_one_document_trains_and_has_nothing_held_out(tmp_path: Path) -> None:
    one = write_release(tmp_path / "release", [["One short document."]])
    result = pretrain(one, tmp_path / "out", SMALL.model_copy(update={"steps": 2}))
    assert result.held_out_bits_per_byte is None
    assert math.isfinite(result.final_loss)


@pytest.mark.parametrize(
    ("shards", "message"), [([[]], "no documents to train on"), (None, "no manifest.json")]
)
def test_a_release_without_documents_or_manifest_says_so(
    tmp_path: Path, shards: list[list[str]] | None, message: str
) -> None:
    source = tmp_path / "release"
    if shards is not None:
        write_release(source, shards)
    with pytest.raises(InputError, match=message):
        pretrain(source, tmp_path / "out", SMALL)


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, curation.pretrain; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
