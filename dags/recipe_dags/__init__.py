"""The three DAGs of a recipe: wiring only, the work is `curation.pipeline`'s."""
