"""What requests are sent for: costs are told by it, and a run's cap counts by it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Purpose:
    """`recipe` and `stage` as people call them; `run` is the same for all tasks of one run (in Airflow the
    DAG run's id). Not in the key of an answer: who asks again, for whatever purpose, pays nothing."""

    recipe: str = ""
    stage: str = ""
    run: str = ""


UNSAID = Purpose()
