"""Bits per byte: counted over the bytes that are predicted, and over the same rows every time."""

from pathlib import Path

import numpy as np
import pytest
import torch

from curation.pretrain import packing, tokenizer
from curation.pretrain.evaluate import bits_per_byte
from curation.pretrain.model import GPT
from curation.pretrain.rows import Packed
from curation.recipe import Pretrain
from tests.pretrain.releases import toy_texts, write_release

SMALL = Pretrain(context=32, layers=1, heads=2, width=32)


def test_a_model_that_knows_nothing_needs_twelve_bits_for_the_bytes_of_each_token(tmp_path: Path) -> None:
    packing.pack(write_release(tmp_path / "release", [toy_texts(200)]), tmp_path / "packed", SMALL.context)
    rows = Packed(tmp_path / "packed", SMALL.context).held_out
    model = GPT(SMALL, 4096)
    torch.nn.init.zeros_(model.embedding.weight)  # every token as likely: log2(4096) = 12 bits
    tokens = size = 0
    for row in range(len(rows)):
        batch = rows.batch(np.array([row]))
        said = batch.tokens[:, 1:][batch.predicted]
        lengths = tokenizer.token_bytes(tokenizer.load())[said]
        tokens += int((lengths > 0).sum())  # the end of a text has no bytes and does not count
        size += int(lengths.sum())
    assert size > 500
    measured = [bits_per_byte(model, rows, batch_rows) for batch_rows in (1, 3, 100)]
    assert measured == pytest.approx([12 * tokens / size] * 3, rel=1e-4)


def test_nothing_held_out_is_none_and_not_zero(tmp_path: Path) -> None:
    packing.pack(write_release(tmp_path / "release", [["one"]]), tmp_path / "packed", SMALL.context)
    assert bits_per_byte(GPT(SMALL, 4096), Packed(tmp_path / "packed", SMALL.context).held_out, 4) is None
