"""Message batches among others': what a listing holds, and when."""

import time

import pytest

from curation.claude import stand_in
from curation.claude.stand_in.foreign import neighbours
from tests.claude.stand_in.test_server import client_of, entry, wait_until_ended


def test_others_batches_stand_beside_ones_own_and_some_never_end(tmp_path):
    with stand_in.serve(state=tmp_path, delay_seconds=0.05, foreign=4) as server:
        client = client_of(server)
        own = client.messages.batches.create(requests=[entry("a"), entry("b")])
        wait_until_ended(client, own.id)
        listed = list(client.messages.batches.list())
        assert listed[-1].id == own.id, "the others are newer"
        sizes = [each.request_counts.processing + each.request_counts.canceled for each in listed[:-1]]
        assert sorted(sizes) == [2, 2, 2, 3]
        ended = [each for each in listed[:-1] if each.processing_status == "ended"]
        names = {line.custom_id for each in ended for line in client.messages.batches.results(each.id)}
        assert names
        assert not names & {"a", "b"}
    with stand_in.serve(state=tmp_path, delay_seconds=0.01) as server:
        client = client_of(server)
        time.sleep(0.2)
        left = [each for each in client.messages.batches.list() if each.processing_status != "ended"]
        assert len(left) == 2, "over a restart too"


def test_others_custom_ids_have_the_shape_of_ones_own_and_differ():
    made = list(neighbours(4, 3, seed=1))
    ids = [custom_id for each in made for custom_id in each.custom_ids]
    assert all(len(head) == 16 and len(tail) == 32 for head, _, tail in (i.partition("-") for i in ids))
    assert len(set(ids)) == len(ids)
    assert [len(each.custom_ids) for each in made] == [3, 4, 3, 3]


def test_a_new_batch_can_be_had_at_once_but_is_listed_late():
    with stand_in.serve(delay_seconds=0.01, list_delay_seconds=0.5, foreign=1) as server:
        client = client_of(server)
        made = client.messages.batches.create(requests=[entry()])
        assert client.messages.batches.retrieve(made.id).id == made.id
        assert client.messages.batches.list().data == []
        deadline = time.monotonic() + 10
        while not client.messages.batches.list().data:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert made.id in [each.id for each in client.messages.batches.list()]


@pytest.mark.parametrize("count", [0, 1, 9])
def test_as_many_others_are_made_as_asked(count):
    assert len(list(neighbours(count, 5, seed=0))) == count
