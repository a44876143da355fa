"""What the DAGs of curation stand on: operators, triggers, forms, and the demonstration.

Importing this package is cheap: the DAG processor does it every few seconds.
"""
