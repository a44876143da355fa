"""A message batch lands though the triggerer that waits for it is killed, and killed again."""

import random

import pytest

from tests.e2e.triggerer import asking, figures, kill_often

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def test_a_batch_lands_once_though_its_triggerer_is_killed_three_times(tmp_path):
    with asking(tmp_path) as running:
        state = kill_often(running, 0, 3, random.Random(0))
        found = figures(running, 1, [state])
    assert state == "success"
    assert found["answered_once_ratio"] == 1.0
    assert (found["sent_again"], found["cancelled"]) == (0, 0)
