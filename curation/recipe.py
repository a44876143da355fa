"""What a run is asked to do: frozen models. `recipe_file.load` reads them from YAML.

A relative path in a recipe is relative to the recipe's own file. Columns named in rules are checked later,
in `pipeline`, which knows what each annotator writes.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from curation.banding import banding
from curation.text.conventions import CONVENTIONS

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")]
Ratio = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[Decimal, Field(ge=0)]

ALL = "all"
"""The partition of a source without time."""


class Model(BaseModel):
    """A frozen settings object: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(Model):
    """Which field of a JSON line or Parquet row becomes which field of a document."""

    text: str = "text"
    id: str | None = None
    url: str | None = None
    fetched_at: str | None = None
    license: str | None = None
    metadata: tuple[str, ...] = ()


class Extract(Model):
    """How HTML becomes text."""

    main_content: bool = True  # leave out navigation, headers, footers, asides
    extractor: Literal["blocks", "resiliparse", "trafilatura"] = "blocks"
    format: Literal["plain", "markdown"] = "plain"
    max_page_bytes: int = Field(default=10_000_000, gt=0)  # a larger body is quarantined

    @model_validator(mode="after")
    def _possible(self) -> "Extract":
        if self.extractor == "resiliparse" and self.format == "markdown":
            raise ValueError(
                "resiliparse writes no Markdown: format: plain, or extractor: blocks or trafilatura"
            )
        if self.extractor == "trafilatura" and not self.main_content:
            raise ValueError("trafilatura gives the main content only: extractor: blocks or resiliparse")
        return self


class Source(Model):
    """Where documents come from. `path` is a glob; with `{partition}` in it the source has time."""

    name: Name
    format: Literal["warc", "jsonl", "csv", "parquet"]
    path: str
    license: str | dict[str, str] | None = None  # one for all, or by the longest URL prefix that fits
    columns: Columns = Columns()
    extract: Extract = Extract()

    @property
    def timed(self) -> bool:
        return "{partition}" in self.path


class Interval(Model):
    """The days of a recipe: `start` is in it, `end` is not."""

    start: date
    end: date

    @model_validator(mode="after")
    def _ordered(self) -> "Interval":
        if self.end <= self.start:
            raise ValueError(f"end {self.end} is not after start {self.start}: end is the first day left out")
        return self

    @property
    def days(self) -> tuple[str, ...]:
        count = (self.end - self.start).days
        return tuple((self.start + timedelta(days=n)).isoformat() for n in range(count))


class DatatroveFilter(Model):
    """Any filter of datatrove, run as an annotator: one column, `<column>`, the reason it gives or ''."""

    filter: str  # class name in datatrove.pipeline.filters, e.g. FineWebQualityFilter
    column: Name
    settings: dict[str, Any] = {}


class Decontaminate(Model):
    """Overlap with evaluation sets: a folder, in which each file of JSON lines is a set."""

    path: str  # local or s3://
    ngram_words: int = Field(default=13, ge=1)  # shorter items are not looked for


class TextRules(Model):
    """Gopher's, C4's and FineWeb's rules, as values."""

    language: str = "en"  # whose tokens are counted, of every document whatever its own language

    @model_validator(mode="after")
    def _held_against_spacy(self) -> "TextRules":
        if self.language not in CONVENTIONS:
            raise ValueError(
                f"tokens can be cut as in {', '.join(CONVENTIONS)}, not as in {self.language!r}: leave "
                "`language` out, and they are cut as in English"
            )
        return self


class Annotate(Model):
    """Which columns are computed beside each document."""

    language: bool = True
    rules: TextRules | None = TextRules()  # or true, or false
    url: bool = False  # block lists and banned words of URLs; English, against adult sites
    pii: bool = False  # e-mail and IP addresses, phone, account and card numbers, as spans
    datatrove: tuple[DatatroveFilter, ...] = ()
    decontaminate: Decontaminate | None = None

    @field_validator("rules", mode="before")
    @classmethod
    def _yes_or_no(cls, asked: Any) -> Any:
        return (TextRules() if asked else None) if isinstance(asked, bool) else asked


class Duplicates(Model):
    """Near duplicates: word shingles, MinHash bands to propose, real Jaccard similarity to decide."""

    similarity: Ratio = 0.8
    shingle_words: int = Field(default=5, ge=1)
    hashes: int = Field(default=112, ge=1, le=4096)  # of a signature
    recall: float = Field(default=0.9, gt=0, lt=1)  # of pairs of just this similarity; bands follow from it
    max_bucket: int = Field(default=100, ge=1)  # kept documents; a bucket with so many proposes no more
    key_ranges: int = Field(default=1, ge=1, le=1024)  # of the index, each a task of its own in Airflow

    @model_validator(mode="after")
    def _reachable(self) -> "Duplicates":
        banding(self.similarity, self.hashes, self.recall)
        return self

    @property
    def bands(self) -> int:
        return banding(self.similarity, self.hashes, self.recall)[0]

    @property
    def rows(self) -> int:
        """Hashes of a band."""
        return banding(self.similarity, self.hashes, self.recall)[1]


OWN_REASONS = frozenset({"taken_down", "duplicate_id", "exact_duplicate", "near_duplicate"})
"""What decisions say beside a recipe's rules."""


class Select(Model):
    """`drop` maps a reason to a SQL condition over columns; the first that holds drops the document."""

    drop: dict[Name, str] = {}
    duplicates: Duplicates | None = Duplicates()

    @model_validator(mode="after")
    def _reasons(self) -> "Select":
        for reason in OWN_REASONS & set(self.drop):
            raise ValueError(
                f"select.drop.{reason} is a reason that is given without a rule: name yours otherwise"
            )
        return self


class Alarms(Model):
    """When first decisions, or a calibration, stop a run until a person approves; null is no limit."""

    source_loss: Ratio | None = 0.99  # of a source's documents that pass every rule, gone as duplicates
    stands_for: Annotated[int, Field(ge=1)] | None = 100_000  # documents that go for the sake of a single one
    volume: Annotated[float, Field(gt=1)] | None = 10.0  # times a source's median day, or that part of it
    kappa_loss: Ratio | None = 0.05  # of the judge on gold labels, since it was calibrated before
    mae_loss: Annotated[float, Field(ge=0)] | None = 0.1  # the same in steps of the scale


class Gold(Model):
    """Documents with people's labels, to hold the judge to: *.csv, *.parquet, or else JSON lines."""

    path: str  # local or s3://
    text: str = "text"  # the columns
    label: str = "label"
    source: str | None = None  # figures are given within each source; without it all are of one
    group: str | None = None  # documents of one group, such as versions of a text, are drawn together
    id: str | None = None
    order: tuple[str, ...] = ()  # of labels that are words, from the worst to the best
    again: Ratio = 0.2  # of the documents, asked a second time: does the judge agree with itself
    probed: int = Field(default=100, ge=0)  # documents asked about in each of five other dresses


class Threshold(Model):
    """From which score a classifier calls a document good, by one of three."""

    precision: Annotated[float, Field(gt=0, le=1)] | None = None  # of what is called good, by the rubric
    percentile: Annotated[float, Field(gt=0, lt=100)] | None = None  # 90: the best tenth
    tokens: Annotated[int, Field(ge=1)] | None = None  # the best, of no more than so many, estimated

    @model_validator(mode="after")
    def _one(self) -> "Threshold":
        if sum(value is not None for value in (self.precision, self.percentile, self.tokens)) != 1:
            raise ValueError("a threshold is chosen by one of precision, percentile and tokens: write one")
        return self


class Truncate(Model):
    """What of a longer text is asked about: its start, its start and end, or spans from all over it."""

    take: Literal["head", "head_tail", "spans"] = "head_tail"
    chars: int = Field(default=8000, ge=10)


class Budget(Model):
    """What may be spent on Claude, in USD; null is no limit. In no fingerprint: it changes no answer."""

    run_usd: Usd | None = None  # reserved and settled by one run
    day_usd: Usd | None = None  # by all that share the ledger, on one day in UTC
    ask_usd: Usd | None = None  # a step that is expected to cost more is not begun until a person agrees


class Claude(Model):
    """How much is asked at a time. In no fingerprint: it changes no answer."""

    queue: int = Field(default=200_000, ge=1)  # requests in message batches; what the account's tier allows
    concurrency: int | None = Field(default=None, ge=1)  # asked one by one; null is 50, of a local model 4


class Judge(Model):
    """A sample of the survivors is judged; a classifier learns from it and scores every document."""

    rubric: Name = "educational"
    model: str = "offline-rules-1"
    direct: bool = False  # asked at once, one by one, at twice the price of a message batch
    sample: int = Field(default=200, ge=10)  # documents, those with the smallest keyed hash of each stratum
    strata: tuple[Name, ...] | None = None  # columns; null is source, language and length
    audit: Ratio = 0.1  # of the sample: drawn from all alike, for estimates
    rounds: int = Field(default=1, ge=1, le=20)  # at most; later ones judge what the classifier is unsure of
    round: int = Field(default=200, ge=10)  # documents of a later round
    truncate: Truncate | None = None  # null is as the rubric says
    canaries_wrong_max: Ratio = 0.2  # of the rubric's documents with known answers
    refusals_max: Ratio = 0.2  # of a stratum of 20 documents or more
    column: Name = Field(default_factory=lambda known: f"{known.get('rubric')}_score")  # educational_score …
    seed: int = 0
    gold: Gold | None = None
    head: Literal["fasttext", "embeddings"] = "fasttext"  # what scores; with embeddings, both are reported
    embeddings: str | None = None  # a folder in model2vec's format, local or s3://
    threshold: Threshold | None = None  # of the column `<column>_good`; 0.5 if not said
    gate: Literal["required", "reported"] = "reported"  # must it beat what says nothing of a text's worth?

    @model_validator(mode="after")
    def _embedded(self) -> "Judge":
        if self.head == "embeddings" and self.embeddings is None:
            raise ValueError("head: embeddings needs a folder of them: write judge.embeddings: PATH")
        return self

    @property
    def good_column(self) -> str:
        """Whether the score reaches the threshold."""
        return f"{self.column}_good"


class Synthesize(Model):
    """Some kept documents are rewritten; the rewritings are documents of a source of their own."""

    prompt: Name = "passage"
    model: str = "offline-rules-1"
    direct: bool = False  # asked at once, one by one, at twice the price of a message batch
    sample: int = Field(default=20, ge=1)
    source: Name = "synthetic"
    permission: str  # on what permission the written text may be released; goes into the card
    seed: int = 0


class Release(Model):
    """What is released: weights by source (2 = twice, 0.5 = every other document), shards, order."""

    weights: dict[Name, Annotated[float, Field(ge=0, le=100)]] = {}  # a source not named weighs 1
    shard_bytes: int = Field(default=256_000_000, ge=1000, le=1_000_000_000)  # of text, before compression
    seed: int = 0
    title: str = ""
    redact: tuple[Literal["email", "ip", "phone", "iban", "card"], ...] = ()  # replaced by <email> ...
    remove: tuple[Literal["c4"], ...] = ()  # the lines and marks that C4's rules take out of a text


class Pretrain(Model):
    """The training that reads the release."""

    steps: int = Field(default=80, ge=1)
    batch_rows: int = Field(default=8, ge=1)
    context: int = Field(default=128, ge=8)  # tokens
    layers: int = Field(default=4, ge=1)
    heads: int = Field(default=4, ge=1)
    width: int = Field(default=128, ge=8)
    learning_rate: float = Field(default=3e-3, gt=0)
    warmup_steps: int = Field(default=10, ge=0)
    checkpoint_every: int = Field(default=20, ge=1)  # steps
    seed: int = 0


class Recipe(Model):
    """Everything that one release depends on, but for the archives themselves."""

    name: Name
    description: str = ""
    interval: Interval
    schedule: str = "0 0 * * *"  # cron; the run at midnight takes the day that has ended
    sources: tuple[Source, ...] = Field(min_length=1)
    annotate: Annotate = Annotate()
    select: Select = Select()
    alarms: Alarms = Alarms()
    judge: Judge | None = None
    synthesize: Synthesize | None = None
    release: Release = Release()
    pretrain: Pretrain | None = None
    budget: Budget = Budget()
    claude: Claude = Claude()

    @model_validator(mode="after")
    def _names(self) -> "Recipe":
        names = [s.name for s in self.sources] + ([self.synthesize.source] if self.synthesize else [])
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"two sources are called {name!r}: a source's name is part of its documents' ids"
                )
        unknown = sorted(set(self.release.weights) - set(names))
        if unknown:
            raise ValueError(
                f"release.weights names {unknown[0]!r}, no source of this recipe; sources: {names}"
            )
        return self

    @model_validator(mode="after")
    def _spans_to_edit(self) -> "Recipe":
        if self.release.redact and not self.annotate.pii:
            raise ValueError(
                f"release.redact names {', '.join(self.release.redact)}, but annotate.pii is false: "
                "nothing says where these are; write annotate.pii: true"
            )
        if self.release.remove and not self.annotate.rules:
            raise ValueError(
                f"release.remove names {', '.join(self.release.remove)}, but annotate.rules is false: "
                "nothing says what these take out; write annotate.rules: true"
            )
        return self

    def source(self, name: str) -> Source:
        """The source called `name`; KeyError if there is none."""
        return next((s for s in self.sources if s.name == name), None) or _no_source(name)

    def partitions(self, source: Source) -> tuple[str, ...]:
        """The partitions of `source` that this recipe asks for."""
        return self.interval.days if source.timed else (ALL,)


def _no_source(name: str) -> Source:
    raise KeyError(name)
