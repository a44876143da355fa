"""A sample of the survivors is judged against a rubric; a classifier learns from it, for all documents.

    sample.draw(decisions, partitions, size, seed=…, purpose=…)   → Table      the same in any order of parts
    rubric.load(name)                                             → Prompt     a file in rubrics/
    prompt.requests(prompt, sample, model)                        → [Request]  one a document, row for row
    judgments.find(lake, settings, decisions)                     → Published | None
    judgments.publish(lake, settings, decisions, sample, ledger)  → Published
    classifier.find(lake, settings, judgments)                    → Published | None
    classifier.publish(lake, settings, judgments, sample)         → Published  model and report
    classifier.column(classifier)                                 → facts.Column

`settings` is `recipe.Judge`. What lies between `requests` and `judgments.publish` (sending, waiting, landing
in the ledger) is `claude`'s.
"""
