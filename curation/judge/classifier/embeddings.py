"""Static embeddings: a vector a token, from a folder in model2vec's format; a text's vector is their mean.

Tulkens and van Dongen, "Model2Vec: Fast State-of-the-Art Static Embeddings" (github.com/MinishLab/model2vec,
2024). The folder holds `config.json`, `tokenizer.json` and `model.safetensors`, which is read without its
library: eight bytes of length, a JSON header, then the tensors (github.com/huggingface/safetensors).
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from curation import storage
from curation.document import content_hash
from curation.errors import RecipeError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

FILES = ("config.json", "model.safetensors", "tokenizer.json")
_TYPES = {"I8": "<i1", "F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}


def digest(folder: str) -> str:
    """32 hex digits of the three files; RecipeError if one is missing."""
    lacking = [name for name in FILES if not storage.exists(storage.join(folder, name))]
    if lacking:
        raise RecipeError(
            f"judge.embeddings: {folder} has no {', '.join(lacking)}: name a folder in model2vec's format"
        )
    return content_hash("embeddings", *(storage.digest(storage.join(folder, name)) for name in FILES))


@dataclass(frozen=True)
class Embeddings:
    """What a folder holds. Token n's vector is `vectors[n]`, float32 of shape (tokens, size)."""

    tokenizer: "Tokenizer"
    unknown: int | None  # the token that stands for what is none
    vectors: NDArray[np.float32]
    normalize: bool  # a text's vector has length 1

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A vector a text, shape (texts, size): zeros where no token is known."""
        found = np.zeros((len(texts), self.vectors.shape[1]), dtype=np.float32)
        for n, encoded in enumerate(self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)):
            tokens = np.array([token for token in encoded.ids if token != self.unknown], dtype=np.int64)
            if len(tokens):
                found[n] = self.vectors[tokens].mean(axis=0)
        if self.normalize:
            found /= np.linalg.norm(found, axis=1, keepdims=True) + 1e-32
        return found


def read(folder: str) -> Embeddings:
    """The embeddings in `folder`; RecipeError if they are not in model2vec's format."""
    from tokenizers import Tokenizer

    config, data, tokens = (storage.read_bytes(storage.join(folder, name)) for name in FILES)
    try:
        tensors = _tensors(data)
        vectors = tensors["embeddings"].astype(np.float32)
        if "mapping" in tensors:
            vectors = vectors[tensors["mapping"]]
        if "weights" in tensors:
            vectors *= tensors["weights"].astype(np.float32)[:, None]
        with tempfile.TemporaryDirectory(prefix="curation-") as scratch:
            path = Path(scratch) / "tokenizer.json"
            path.write_bytes(tokens)
            tokenizer = Tokenizer.from_file(str(path))
        normalize = bool(json.loads(config).get("normalize", False))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise RecipeError(f"judge.embeddings: {folder} is not in model2vec's format: {error!r}") from error
    if len(vectors) < tokenizer.get_vocab_size():
        raise RecipeError(
            f"judge.embeddings: {folder} has {len(vectors)} vectors for {tokenizer.get_vocab_size()} tokens: "
            "files of two models are mixed there"
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Embeddings(tokenizer, _unknown(json.loads(tokens)["model"]), vectors, normalize)


def _tensors(data: bytes) -> dict[str, NDArray[Any]]:
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    found = {}
    for name, said in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in said["data_offsets"])
            found[name] = np.frombuffer(data[start:end], _TYPES[said["dtype"]]).reshape(said["shape"])
    return found


def _unknown(model: dict[str, Any]) -> int | None:
    """The id of the token for what is none, as each kind of tokenizer names it."""
    if "unk_id" in model:  # Unigram
        return model["unk_id"]
    token = model.get("unk_token")
    return None if token is None else model["vocab"][token]
