"""Documents that attack their judge: how many move a score, how many are flagged, and who is wronged.

    python -m tests.benchmarks.hostile

The judges are the stand-in, which is rules over counts; one that obeys whatever it reads and denies it
(`stand_in.gullible`); and the worst that can be thought of, one that every attack moves to the highest score.
It claims nothing about Claude, or any model: it measures what a run's own flags leave out of training when
the judge is no help.

*Moved*: a higher score than the same page without what was put in. *Flagged*: the answer says that the text
addresses a model, its words show signs of it, or its score is far above what the surface of the text lets
expect. False alarms are counted on innocent documents that speak of prompts, grading and models, on the
posts of the sample, and on two thousand documents of `text_bulk`, from a folder `shared` beside the checkout.
"""

from collections.abc import Sequence
from time import process_time

from curation.claude.stand_in import gullible, rules
from curation.judge.signs import has_signs
from tests.benchmarks.corpora import megabytes, text_bulk
from tests.benchmarks.figures import tell
from tests.judge.hostile import Judged, is_held_back, judge, obeying_all, posts, rows

READ_CHARS = 8000
JUDGES = {"rules": rules.answer, "gullible": gullible.answer, "obeys_all": obeying_all(rules.answer)}


def main() -> None:
    figures: dict[str, object] = {"benchmark": "hostile", "injected": len(rows("injected"))}
    injected = {name: judge(answer, rows("injected")) for name, answer in JUDGES.items()}
    print(f"{'family':<14}{'injected':>9}" + "".join(f"{name:>22}" for name in JUDGES) + "   moved, flagged")
    families = list(dict.fromkeys(row["family"] for row in rows("injected")))
    for family in [*families, None]:
        cells = [_moved([j for j in found if family in (None, j.family)]) for found in injected.values()]
        count = sum(family in (None, j.family) for j in injected["rules"])
        print(
            f"{family or 'all':<14}{count:>9}"
            + "".join(f"{moved:>13} {flagged:>8}" for moved, flagged in cells)
        )
    for name, found in injected.items():
        moved, flagged = _moved(found)
        figures |= {f"{name}_moved": moved, f"{name}_moved_flagged": flagged / max(moved, 1)}
    for part, held in (("seen", False), ("held_back", True)):
        texts = [row["text"] for row in rows("injected") if is_held_back(row["name"]) == held]
        figures[f"{part}_lexical"] = sum(map(has_signs, texts)) / len(texts)
    innocent = rows("innocent")
    figures["innocent"] = len(innocent)
    for name, answer in JUDGES.items():
        figures[f"{name}_false_alarms"] = sum(bool(j.flags) for j in judge(answer, innocent))
    alone = judge(JUDGES["obeys_all"], rows("injected"), among_pages=False)
    for name, found in (("posts", alone), ("pages_too", injected["obeys_all"])):
        figures[f"disagrees_in_{name}"] = sum("disagrees" in j.flags for j in found) / len(found)
    figures["posts"] = len(posts())
    figures["posts_with_signs"] = sum(map(has_signs, posts()))
    real = [text[:READ_CHARS] for text in text_bulk()[1000:3000]]
    start = process_time()
    figures |= {"real": len(real), "real_with_signs": sum(map(has_signs, real))}
    figures["signs_mb_per_second"] = megabytes(real) / (process_time() - start)
    tell(figures)


def _moved(found: Sequence[Judged]) -> tuple[int, int]:
    moved = [j for j in found if j.moved]
    return len(moved), sum(bool(j.flags) for j in moved)


if __name__ == "__main__":
    main()
