"""Static embeddings, read from files that are written here byte by byte, as the format says."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from curation import recipe_file
from curation.errors import LakeError, RecipeError
from curation.judge.classifier import embeddings, embeddings_head
from curation.judge.classifier.embeddings_head import Embedded
from curation.judge.classifier.heads import heads
from curation.recipe import Judge
from tests.shared_data import shared_path

WORDS = ["[UNK]", "sun", "moon", "star", "cash", "loan", "debt"]
VECTORS = np.array(
    [[9, 9], [1, 0], [2, 0.5], [1, 0.25], [0, 1], [0.5, 2], [0.25, 1]],
    dtype=np.float32,
)


def safetensors(tensors):
    header, data = {"__metadata__": {"format": "np"}}, b""
    for name, values in tensors.items():
        kind = {"f": "F", "i": "I"}[values.dtype.kind] + str(8 * values.dtype.itemsize)
        end = len(data) + values.nbytes
        header[name] = {"dtype": kind, "shape": values.shape, "data_offsets": [len(data), end]}
        data += values.tobytes()
    said = json.dumps(header).encode()
    return len(said).to_bytes(8, "little") + said + data


def folder(path, normalize=False, **tensors):
    path.mkdir(exist_ok=True)
    tokenizer = Tokenizer(WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path / "tokenizer.json"))
    (path / "config.json").write_text(json.dumps({"normalize": normalize}))
    (path / "model.safetensors").write_bytes(safetensors({"embeddings": VECTORS, **tensors}))
    return str(path)


def test_a_texts_vector_is_the_mean_of_its_tokens(tmp_path):
    found = embeddings.read(folder(tmp_path))(["sun moon", "cash what loan", "what", ""])
    assert found.tolist() == [[1.5, 0.25], [0.25, 1.5], [0, 0], [0, 0]]


def test_its_length_is_one_where_the_folder_says_so(tmp_path):
    found = embeddings.read(folder(tmp_path, normalize=True))(["moon moon", ""])
    assert found[0] == pytest.approx(VECTORS[2] / np.linalg.norm(VECTORS[2]))
    assert found[1].tolist() == [0, 0]


def test_bytes_weights_and_shared_vectors_are_read(tmp_path):
    tensors = {
        "embeddings": np.array([[0, 0], [2, 4], [6, 8]], dtype=np.int8),
        "mapping": np.array([0, 1, 1, 2, 2, 2, 2], dtype=np.int64),
        "weights": np.array([1, 0.5, 1, 1, 1, 1, 1], dtype=np.float64),
    }
    found = embeddings.read(folder(tmp_path, **tensors))(["sun", "moon", "star"])
    assert found.tolist() == [[1, 2], [2, 4], [6, 8]]


@pytest.mark.shared
def test_a_published_model_gives_the_vectors_of_its_own_library():
    """Of model2vec 0.10, `encode(..., max_length=None)`; the first four of 128."""
    found = embeddings.read(str(shared_path("data/models/m2v_test_model")))
    vectors = found(["The cell is the basic unit of life.", "🙂"])
    assert vectors.shape == (2, 128)
    assert vectors[0, :4] == pytest.approx([0.140313, 0.123202, -0.071868, -0.167691], abs=1e-6)


def test_what_is_no_such_folder_is_an_error_that_says_so(tmp_path):
    of_two = folder(tmp_path, embeddings=VECTORS[:3])
    with pytest.raises(RecipeError, match="files of two models"):
        embeddings.read(of_two)
    (tmp_path / "model.safetensors").write_bytes(b"\x05\0\0\0\0\0\0\0{}")
    with pytest.raises(RecipeError, match="not in model2vec's format"):
        embeddings.read(of_two)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(RecipeError, match=r"has no model\.safetensors"):
        embeddings.digest(of_two)


def test_the_head_tells_words_it_was_never_shown(tmp_path):
    path = folder(tmp_path / "m")
    head = Embedded(path, embeddings.digest(path))
    head.train(
        ["sun star", "star sun sun", "cash debt", "debt cash cash"],
        [True, True, False, False],
        tmp_path / "x",
    )
    good, poor, unknown = head.open(tmp_path / "x")(pa.array(["moon", "loan", "what"]))
    assert good > 0.5 > poor
    assert unknown == 0.0


def test_embeddings_that_were_changed_meanwhile_are_refused(tmp_path):
    path = folder(tmp_path / "m")
    head = Embedded(path, embeddings.digest(path))
    folder(tmp_path / "m", normalize=True)
    embeddings_head._opened.cache_clear()
    with pytest.raises(LakeError, match="were changed while"):
        head.train(["sun", "cash"], [True, False], tmp_path / "x")


def test_a_recipe_names_the_folder_and_the_head(tmp_path):
    folder(tmp_path / "m")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "name: a\ninterval: {start: 2025-01-01, end: 2025-01-02}\n"
        "sources: [{name: web, format: jsonl, path: x}]\njudge: {embeddings: m, head: embeddings}\n"
    )
    judge = recipe_file.load(recipe).judge
    assert judge.embeddings == str(tmp_path / "m")
    assert [head.name for head in heads(judge)] == ["embeddings", "fasttext"]
    assert [head.name for head in heads(Judge())] == ["fasttext"]
    with pytest.raises(ValidationError, match=r"write judge.embeddings"):
        Judge(head="embeddings")
