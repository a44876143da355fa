"""The ledger's tables, as queries see them; `migrations` makes them."""

from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

metadata = MetaData()

# As a message batch sums them over its answers: input beside the cache, output, cache writes and reads.
TOKENS = ("input_tokens", "output_tokens", "write_tokens", "read_tokens")


class Usd(TypeDecorator[Decimal]):
    """Dollars, kept as whole pico-dollars: sums are exact on SQLite too, and every price times one token
    is a whole number of them."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.scaleb(12))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)).scaleb(-12)


# What the requests of a prompt have in common and a result must be read by; kept once, by digest.
settings = Table(
    "settings",
    metadata,
    Column("digest", String(32), primary_key=True),
    Column("parameters", Text, nullable=False),  # JSON
    Column("schema", Text, nullable=False),  # JSON, `null` for none
)

# One row a request key, ever.
answers = Table(
    "answers",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("text_digest", String(32), nullable=False),
    Column("prompt_digest", String(32), nullable=False),
    Column("model", String(100), nullable=False),  # as asked: part of the key
    Column("settings", String(32), nullable=False),
    Column("replicate", Integer, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("detail", Text, nullable=False),
    Column("body", Text),  # the answer; JSON where a schema was asked for
    Column("answered_by", String(100)),  # as the response named itself
    Column("usage", Text),  # JSON
    Column("usd", Usd, nullable=False),  # of all attempts
    Column("settled", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("message_batch", String(16), nullable=False),  # nonce of the one that gave this row
    Column("tried_at", Float, nullable=False),  # Unix seconds, the last time
    Column("rests", Boolean, nullable=False),  # until a run that begins after that
    Column("truncated", Boolean, nullable=False),  # once, whatever came then: it goes again with more room
)

message_batches = Table(
    "message_batches",
    metadata,
    Column("nonce", String(16), primary_key=True),
    Column("state", String(12), nullable=False),
    Column("model", String(100), nullable=False),
    Column("request_count", Integer, nullable=False),
    Column("batch_id", String(100)),
    Column("planned_at", Float, nullable=False),  # Unix seconds, this machine's clock, as all below
    Column("submitting_at", Float),
    Column("submitted_at", Float),
    Column("ended_at", Float),
    Column("landed_at", Float),
    Column("counts", Text),  # JSON: rows by outcome
    Column("usd", Usd),  # of all its answers
    Column("reason", Text),  # why it failed
    Column("kind", String(10), nullable=False),  # `batch`, or `direct`: asked one by one, beside the batches
    Column("recipe", Text, nullable=False),  # this and the two below: its Purpose
    Column("stage", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("prompt_digest", String(32), nullable=False),  # of all its requests
    Column("reserved", Usd, nullable=False),  # the most that it can cost
    Column("input_tokens", BigInteger, nullable=False),  # this and the three below: of all its answers
    Column("output_tokens", BigInteger, nullable=False),
    Column("write_tokens", BigInteger, nullable=False),
    Column("read_tokens", BigInteger, nullable=False),
    Column("beat_at", Float),  # of a direct one: its process was alive
)

# What live message batches hold. The primary key is the promise that no request is in two of them.
batch_requests = Table(
    "batch_requests",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("nonce", String(16), nullable=False),
    Column("text_digest", String(32), nullable=False),
    Column("prompt_digest", String(32), nullable=False),
    Column("model", String(100), nullable=False),
    Column("settings", String(32), nullable=False),
    Column("replicate", Integer, nullable=False),
)
