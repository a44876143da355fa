"""A DAG whose only task asks: the operator as `release_R` has it, without a recipe around it."""

import json
import os
from pathlib import Path

from airflow.sdk import DAG, Param

from curation_airflow.operators import MessageBatchOperator


def asked(context):
    from curation.claude.drive import Asked
    from curation.claude.ledger import Ledger
    from curation.claude.request import Request, prompt_digest
    from curation.document import text_digest

    folder, first = Path(os.environ["ASKING_FOLDER"]), context["params"]["first"]

    def request(number):
        text = f"This is text number {number}. It is about the sea and what is in it. " * 5
        message = f"<document-n0nce>\n{json.dumps(text)}\n</document-n0nce>\nJudge the document above."
        digests = {"text_digest": text_digest(text), "prompt_digest": prompt_digest("Judge.", "template")}
        parameters = {"max_tokens": 400}
        return Request(
            **digests, model="offline-rules-1", parameters=parameters, system="Judge.", message=message
        )

    requests = [request(number) for number in range(first, first + context["params"]["count"])]
    return Asked(Ledger(folder / "ledger.sqlite"), requests, str(folder / "raw"))


with DAG(
    "asking", schedule=None, params={"first": Param(0, type="integer"), "count": Param(10, type="integer")}
):
    MessageBatchOperator(task_id="ask", asked=asked)
