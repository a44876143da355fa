"""The tokenizer that ships: a byte-level BPE of 4,096 tokens, so every text has tokens and none is unknown.

`tokenizer.json` was trained by `python -m curation.pretrain.tokenizer FILES... OUT` on 12 MB of open text:
the pages of `crawl_open` (Debian Handbook in 26 locales, CC BY-SA 3.0 or GPL-2+; Python documentation,
PSF), main content by Resiliparse; and the posts of 18f-blog and digital.gov (news, guides, resources: works
of the US Government, CC0). It holds byte sequences and merges, none of those texts. The same files in the
same order give the same bytes. The vocabulary is a twelfth of GPT-2's, to suit
a small model, and an id fits in 16 bits.

Byte-level BPE: Radford et al. 2019 (GPT-2), whose splitting of text into words is used here.
"""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from curation.document import content_hash
from curation.errors import InputError

END_OF_TEXT = "<|endoftext|>"  # after the last token of each document
VOCABULARY = 4096
SHIPPED = Path(__file__).with_name("tokenizer.json")


@cache
def load(path: Path = SHIPPED) -> Tokenizer:
    """The tokenizer in `path`; InputError if its ids do not fit in 16 bits or it does not end texts.

    A document that says "<|endoftext|>" is text like any other: it does not end there.
    """
    tokenizer = Tokenizer.from_file(str(path))
    if (size := tokenizer.get_vocab_size()) > 1 << 16:
        raise InputError(f"{path} has {size} tokens; packed ids have 16 bits: at most 65536")
    if tokenizer.token_to_id(END_OF_TEXT) is None:
        raise InputError(f"{path} has no token {END_OF_TEXT}: train it by curation.pretrain.tokenizer")
    tokenizer.encode_special_tokens = True
    return tokenizer


def digest(path: Path = SHIPPED) -> str:
    """The identity of a tokenizer: a hash of its file."""
    return content_hash("tokenizer", path.read_bytes())


def token_bytes(tokenizer: Tokenizer) -> NDArray[np.int64]:
    """How many bytes of text each token stands for, by id; 0 for the end-of-text token.

    In a byte-level vocabulary each byte is written as one character, so a token's length is its bytes.
    """
    lengths = np.zeros(tokenizer.get_vocab_size(), np.int64)
    for token, index in tokenizer.get_vocab().items():
        lengths[index] = 0 if token == END_OF_TEXT else len(token)
    return lengths


def train(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Tokenizer:
    """A byte-level BPE of at most `vocabulary` tokens (all 256 bytes and the end of text among them)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def texts(path: Path) -> Iterator[str]:
    """The texts of a file: main content of a WARC's HTML pages, or `text` of each line of a .jsonl.zst."""
    if path.name.endswith((".warc", ".warc.gz")):
        yield from _pages(path)
    elif path.name.endswith(".jsonl.zst"):
        import zstandard

        with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as lines:
            for line in io.TextIOWrapper(lines, "utf-8"):
                yield cast(str, json.loads(line)["text"])
    else:
        raise InputError(f"{path} is neither .warc, .warc.gz nor .jsonl.zst")


def _pages(path: Path) -> Iterator[str]:
    from fastwarc import ArchiveIterator, WarcRecordType
    from resiliparse.extract.html2text import extract_plain_text

    with path.open("rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
            if record.http_content_type == "text/html":
                html = record.reader.read().decode("utf-8", "replace")
                yield extract_plain_text(html, preserve_formatting=True, main_content=True)


def main(arguments: list[str]) -> None:
    """Train on all files but the last, and write the tokenizer there."""
    if len(arguments) < 2:
        raise SystemExit("usage: python -m curation.pretrain.tokenizer FILES... OUT")
    *files, out = map(Path, arguments)
    tokenizer = train(text for file in files for text in texts(file))
    tokenizer.save(str(out), pretty=False)
    print(f"{out}: {tokenizer.get_vocab_size()} tokens, digest {digest(out)}")


if __name__ == "__main__":
    main(sys.argv[1:])
