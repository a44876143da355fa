import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

from curation.errors import LakeError
from curation_airflow.failures import failure_line, report_failure


def context(**more):
    ti = SimpleNamespace(dag_id="ingest_sample", task_id="facts.part.ingest", map_index=2)
    return {"ti": ti, "partition_key": "2025-11-03", "exception": LakeError("no\n lake"), **more}


def test_the_line_names_dag_task_partition_and_error():
    line = failure_line(context())
    assert line == "ingest_sample.facts.part.ingest (2025-11-03, [2]) failed: LakeError: no lake"


def test_a_named_piece_is_named():
    assert "(2025-11-03, open-web 2025-11-03 ab12cd)" in failure_line(
        context(piece="open-web 2025-11-03 ab12cd")
    )


def test_a_failure_without_an_exception_still_has_a_line():
    """The scheduler calls back for a task whose process was killed, and has no exception to give."""
    line = failure_line(context(exception=None, partition_key=None))
    assert line.startswith("ingest_sample.facts.part.ingest ([2]) failed: no exception")


def test_the_line_is_sent_to_the_web_hook(monkeypatch):
    heard = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        monkeypatch.setenv("CURATION_ALERT_URL", f"http://127.0.0.1:{server.server_port}/hook")
        report_failure(context())
        thread.join(5)
    assert heard == [{"text": failure_line(context())}]


def test_a_web_hook_that_is_away_does_not_hide_the_failure(monkeypatch, caplog):
    monkeypatch.setenv("CURATION_ALERT_URL", "http://127.0.0.1:9/")
    report_failure(context())
    assert "LakeError: no lake" in caplog.text
    assert "cannot be reached" in caplog.text


def test_a_web_hook_that_is_no_url_hides_nothing_and_is_not_told(monkeypatch, caplog):
    """Its token is in its path."""
    for url in ("hooks.example.com/services/secret-token", "https://hooks.example.com/secret-token here"):
        monkeypatch.setenv("CURATION_ALERT_URL", url)
        report_failure(context())
    assert caplog.text.count("LakeError: no lake") == 2
    assert caplog.text.count("CURATION_ALERT_URL is no URL") == 2
    assert "secret-token" not in caplog.text
