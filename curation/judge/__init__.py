"""A sample of the survivors is judged against a rubric; a classifier learns from it, for all documents.

    sample.draw(decisions, partitions, size, seed=…, purpose=…)   → Table      the same in any order of parts
    rubric.of(settings)                                           → Prompt     a file in rubrics/
    judgments.requests(key, settings, sample)                     → Requests   about the sample, and canaries
    judgments.find(lake, settings, decisions)                     → Published | None
    judgments.publish(lake, settings, decisions, sample, ledger)  → Published
    classifier.find(lake, settings, [judgments])                  → Published | None
    classifier.publish(lake, settings, [judgments], texts, …)     → Published  model, report and card
    classifier.column(settings, classifier)                       → facts.Column
    rounds.finished(loop)                                         → [Taught]   what each round made
    rounds.draw(frame, settings, done)                            → Table      what the next round judges
    calibration.load(settings)                                    → Gold       labels to hold the judge to
    calibration.publish(lake, recipe, settings, gold, ledger, …)  → Published  agreement, and its report
    corpus_rate.measure(made, examples, partitions)               → CorpusRate by the judge's errors

`settings` is `recipe.Judge`. What lies between `requests` and `judgments.publish` (sending, waiting, landing
in the ledger) is `claude`'s.
"""
