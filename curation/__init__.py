"""Raw crawls into pretraining data, with Claude in the loop, on Apache Airflow."""

__version__ = "0.1.0"
