"""Some kept documents are written anew by Claude; what passes the gates is documents of a new source.

    prompt.load(name)                                           → judge.prompt.Prompt, a file in prompts/
    judge.sample.draw(…, purpose="synthesize"), judge.prompt.requests(prompt, sample, model, key)
    documents.place(settings)                                   → facts.Place
    documents.write(lake, settings, decisions, sample, ledger)  → manifest.Part, for facts.annotate_part
    gates.refuse(source text, written text)                     → a reason, or None

`settings` is `recipe.Synthesize`.
"""
