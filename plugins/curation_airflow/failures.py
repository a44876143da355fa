"""What is said when a task has failed for good or waits for a person: in its log, and to whoever is named.

`CURATION_ALERT_URL` names a web hook that takes `{"text": …}` by POST (Slack, Mattermost, Teams and others).
"""

import http.client
import json
import logging
import os
import urllib.request
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

_SECONDS = 10  # to wait for the web hook


def failure_line(context: Mapping[str, Any]) -> str:
    """DAG, task, partition, try and error in one line."""
    ti = context["ti"]
    piece = context.get("piece") or (f"[{ti.map_index}]" if ti.map_index >= 0 else "")
    where = ", ".join(filter(None, (context.get("partition_key"), piece)))
    error = context.get("exception")
    kind = "" if error is None else f"{type(error).__name__}: "
    said = " ".join(str(error).split()) if error is not None else "no exception was reported; see the log"
    return f"{ti.dag_id}.{ti.task_id}" + (f" ({where})" if where else "") + f" failed: {kind}{said}"


def report_failure(context: Mapping[str, Any]) -> None:
    """Airflow's `on_failure_callback`: log the line, and send it if a web hook is named."""
    line = failure_line(context)
    log.error("%s", line)
    send(line)


def send(text: str) -> None:
    """Send `text` if a web hook is named."""
    url = os.environ.get("CURATION_ALERT_URL")
    if not url:
        return
    body = json.dumps({"text": text}).encode()
    try:
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=_SECONDS):
            log.info("sent to CURATION_ALERT_URL")
    except OSError as error:  # an alert that cannot be delivered must not hide what it is about
        log.error("CURATION_ALERT_URL cannot be reached: %s", error)
    except (ValueError, http.client.HTTPException) as error:  # which tell the URL, and that is a secret
        log.error("CURATION_ALERT_URL is no URL: %s", type(error).__name__)
