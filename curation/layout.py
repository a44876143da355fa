"""Every path of the lake.

    documents/<source>-<fingerprint>/<partition>/       parts, quarantine, manifests
    documents/<source>-<fingerprint>/source.txt         where its archives lie
    annotations/<name>-<fingerprint>/<source>/<partition>/   the same parts, the same order
    bands/<fingerprint>/<source>/<partition>/           keys by which duplicates are found
    index/<fingerprint>/<range>/                        the keys of many partitions, merged
    pairs/<fingerprint>/                                verified pairs by digest
    decisions/<recipe>-<fingerprint>/                   one row a document; a generation a set of partitions
    approvals/<decisions>/<alarm>.json                  what a person has approved of, why, and who
    approvals/<classifier>/gate.json                    the same of a classifier that did not pass
    judgments/<rubric>-<fingerprint>/<inputs>/          a sample, judged; or too-dear.json
    classifiers/<column>-<fingerprint>/<inputs>/        model-<digest>.bin, its report and card
    calibrations/<recipe>/                              the judge held to gold; a generation a model or prompt
    corpus_rates/<recipe>/                              how much of the corpus is good; a generation a set
    releases/<recipe>/<identity>/                       README.md, manifest.json, data/
    trainings/<recipe>/<identity>/                      telemetry, checkpoints, the loss curve
    tombstones/                                         what is taken down
    recipes/<recipe>/recipe-<number>.json               the recipe as it was run, when it had changed
    answers/                                            raw result lines of message batches
    key                                                 the lake's secret, for the delimiters of documents
    ledger.sqlite                                       answers that were paid for (local lakes)

In a stage's folder: `part-<digest>.parquet`, `quarantine-<digest>.parquet`, `plans/<key>.json`,
`records/<key>.json` and, written last, `manifest-<generation>.json`. What no manifest names does not exist.
"""

from dataclasses import dataclass

from curation.storage import join

COMPUTED = {
    "documents": (2, 3),
    "annotations": (2, 4),
    "bands": (2, 4),
    "index": (2, 2),
    "pairs": (2, 2),
    "decisions": (2, 2),
    "judgments": (3, 3),
    "classifiers": (3, 3),
    "trainings": (3, 3),
}
"""What can be computed again: how many names below the root make the folder that carries a fingerprint or
identity, and how many that of a stage. All else in a lake is asked for, paid for, or given away."""

RELEASE_NAMES = 3


@dataclass(frozen=True)
class Layout:
    """The paths below the lake's root, a local path or `s3://bucket/prefix`."""

    root: str

    def source(self, source: str, fingerprint: str) -> str:
        return join(self.root, "documents", f"{source}-{fingerprint}", "source.txt")

    def documents(self, source: str, fingerprint: str, partition: str) -> str:
        return join(self.root, "documents", f"{source}-{fingerprint}", partition)

    def annotations(self, name: str, fingerprint: str, source: str, partition: str) -> str:
        return join(self.root, "annotations", f"{name}-{fingerprint}", source, partition)

    def bands(self, fingerprint: str, source: str, partition: str) -> str:
        return join(self.root, "bands", fingerprint, source, partition)

    def index(self, fingerprint: str) -> str:
        return join(self.root, "index", fingerprint)

    def decisions(self, recipe: str, fingerprint: str) -> str:
        return join(self.root, "decisions", f"{recipe}-{fingerprint}")

    def approval(self, decisions: str, alarm: str) -> str:
        return join(self.root, "approvals", decisions, f"{alarm}.json")

    def pairs(self, fingerprint: str) -> str:
        return join(self.root, "pairs", fingerprint)

    def judgments(self, rubric: str, fingerprint: str, inputs: str) -> str:
        return join(self.root, "judgments", f"{rubric}-{fingerprint}", inputs)

    def classifier(self, column: str, fingerprint: str, inputs: str) -> str:
        return join(self.root, "classifiers", f"{column}-{fingerprint}", inputs)

    def calibrations(self, recipe: str) -> str:
        return join(self.root, "calibrations", recipe)

    def corpus_rates(self, recipe: str) -> str:
        return join(self.root, "corpus_rates", recipe)

    @property
    def all_documents(self) -> str:
        return join(self.root, "documents")

    @property
    def releases(self) -> str:
        return join(self.root, "releases")

    @property
    def tombstones(self) -> str:
        return join(self.root, "tombstones")

    def release(self, recipe: str, identity: str) -> str:
        return join(self.root, "releases", recipe, identity)

    def trainings(self, recipe: str) -> str:
        return join(self.root, "trainings", recipe)

    def recipes(self, recipe: str) -> str:
        return join(self.root, "recipes", recipe)

    @property
    def answers(self) -> str:
        return join(self.root, "answers")

    @property
    def key(self) -> str:
        return join(self.root, "key")

    @property
    def ledger(self) -> str:
        return join(self.root, "ledger.sqlite")


def plan(directory: str, key: str) -> str:
    return join(directory, "plans", f"{key}.json")


def record(directory: str, key: str) -> str:
    return join(directory, "records", f"{key}.json")


def kept_recipe(directory: str, number: int) -> str:
    return join(directory, f"recipe-{number:06d}.json")


def manifest(directory: str, generation: int) -> str:
    return join(directory, f"manifest-{generation:06d}.json")
