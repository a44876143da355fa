"""What one DAG of a recipe leaves for the next."""

from airflow.sdk import Asset


def documents(recipe: str) -> Asset:
    """Published facts of a day. Events carry the day as partition key."""
    return Asset(f"documents_{recipe}", group="curation")


def release(recipe: str) -> Asset:
    """A published release. Events carry the recipe's name as partition key, and the release's URI."""
    return Asset(f"release_{recipe}", group="curation")
