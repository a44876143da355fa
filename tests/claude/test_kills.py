"""A driver killed between any two of its writes: nothing is lost, nothing is paid twice.

Forty kills here; a thousand in `tests.benchmarks.kills`.
"""

import random

import pytest

from curation.claude.ledger import Ledger
from tests.claude import killing


@pytest.fixture(scope="module")
def server_url(tmp_path_factory):
    with killing.stand_in_process(tmp_path_factory.mktemp("state")) as url:
        yield url


def test_an_undisturbed_run_passes_the_points_that_the_kills_are_drawn_from(server_url, tmp_path):
    _, passed = killing.drive(server_url, tmp_path, killing.ten())
    assert passed == killing.POINTS


@pytest.mark.parametrize("seed", range(20))
def test_a_killed_driver_answers_each_request_once_and_pays_once(server_url, tmp_path, seed):
    rng = random.Random(seed)
    requests = killing.ten()
    before = killing.requests_received(server_url)
    first = rng.randint(1, killing.POINTS)
    second = rng.randint(1, (killing.POINTS - first) // 2 + 1)  # who takes up has at least as many to pass
    for at in (first, second):
        assert killing.killed(server_url, tmp_path, requests, at)
    report, _ = killing.drive(server_url, tmp_path, requests)
    assert dict(report.outcomes) == {"ok": 10}
    rows = list(Ledger(tmp_path / "ledger.sqlite").answers([request.key for request in requests]))
    assert sorted(row.key for row in rows) == sorted(request.key for request in requests)
    assert sorted(row.attempts for row in rows) == [1] * 8 + [2] * 2
    assert killing.requests_received(server_url) - before == killing.ASKED, "some request was sent twice"
