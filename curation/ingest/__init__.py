"""Archives into documents: WARC, JSON lines, CSV, Parquet. `read` is the way in."""

from curation.ingest.documents import Batch, read

__all__ = ["Batch", "read"]
