"""The stand-in as a process and a folder; its API is held to the contract in tests/contract."""

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anthropic
import httpx2
import pytest

from curation.claude import stand_in
from curation.claude.client import Connection, from_environment
from curation.errors import ClaudeError


def client_of(server, key="k"):
    return Connection(key, server.url).client()


def entry(custom_id="a", **changes):
    params = {"model": stand_in.MODEL, "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    return {"custom_id": custom_id, "params": params | changes}


def wait_until_ended(client, batch_id):
    deadline = time.monotonic() + 20
    while client.messages.batches.retrieve(batch_id).processing_status != "ended":
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_batches_outlive_a_restart_ended_or_not(tmp_path):
    with stand_in.serve(state=tmp_path, delay_seconds=0.02) as server:
        ended = client_of(server).messages.batches.create(requests=[entry()]).id
        wait_until_ended(client_of(server), ended)
    with stand_in.serve(state=tmp_path, delay_seconds=60) as server:
        pending = client_of(server).messages.batches.create(requests=[entry("b")]).id
    with stand_in.serve(state=tmp_path, delay_seconds=0.02) as server:
        client = client_of(server)
        assert [batch.id for batch in client.messages.batches.list()] == [pending, ended]
        wait_until_ended(client, pending)
        assert [line.custom_id for line in client.messages.batches.results(pending)] == ["b"]
        assert [line.custom_id for line in client.messages.batches.results(ended)] == ["a"]


def test_the_order_of_results_is_not_the_order_of_requests():
    ids = [str(i) for i in range(50)]
    with stand_in.serve(delay_seconds=0.02) as server:
        client = client_of(server)
        batch = client.messages.batches.create(requests=[entry(i) for i in ids])
        wait_until_ended(client, batch.id)
        found = [line.custom_id for line in client.messages.batches.results(batch.id)]
    assert sorted(found) == sorted(ids)
    assert found != ids


def test_as_a_process_it_says_where_it_is_and_ends_when_told(tmp_path):
    command = [
        sys.executable,
        "-m",
        "curation.claude.stand_in",
        "--port",
        "0",
        "--state",
        str(tmp_path / "s"),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as process:
        line = process.stdout.readline()
        assert "not a language model" in line
        health = httpx2.get(line.split()[-1] + "/health").json()
        assert (health["status"], health["model"]) == ("ok", "offline-rules-1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_from_the_command_line_it_meets_the_faults_it_is_told_to():
    told = [sys.executable, "-m", "curation.claude.stand_in", "--port", "0"]
    with subprocess.Popen(
        [*told, "--fault", "overloaded", "--fault", "rate_limit_bare", "--seed", "3"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as process:
        url = process.stdout.readline().split()[-1]
        asked = [httpx2.get(f"{url}/v1/messages/batches", headers={"x-api-key": "k"}) for _ in range(20)]
        struck = httpx2.get(f"{url}/health").json()["faults"]
        process.terminate()
    assert {each.status_code for each in asked} == {200, 429, 529}
    assert struck == {"overloaded": 4, "rate_limit_bare": 4}


def test_both_ways_of_giving_a_key_are_taken_and_none_is_refused():
    with stand_in.serve() as server:
        body = entry()["params"]
        for headers in ({"x-api-key": "k"}, {"authorization": "Bearer k"}):
            assert httpx2.post(f"{server.url}/v1/messages", json=body, headers=headers).status_code == 200
        refused = httpx2.post(f"{server.url}/v1/messages", json=body)
        assert (refused.status_code, refused.json()["error"]["type"]) == (401, "authentication_error")


def test_it_never_writes_a_key_into_its_log(caplog):
    caplog.set_level("DEBUG")
    with stand_in.serve() as server, pytest.raises(anthropic.BadRequestError):
        client_of(server, "sk-secret").messages.create(
            model=stand_in.MODEL, max_tokens=5, messages=[], extra_body={"temperature": 3}
        )
    assert "sk-secret" not in caplog.text


def test_many_clients_at_once_are_all_answered():
    with stand_in.serve() as server:
        answers = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(client_of(server).messages.create(**entry()["params"]).id)
            )
            for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 12
    assert len(set(answers)) == 1, "the same question, the same answer"


def test_hundreds_of_slow_answers_are_given_at_once():
    with stand_in.serve(latency_seconds=1.0) as server, ThreadPoolExecutor(300) as clients:
        body, headers = entry()["params"], {"x-api-key": "k"}
        began = time.monotonic()
        asked = [clients.submit(urlopen_json, f"{server.url}/v1/messages", body, headers) for _ in range(300)]
        assert {each.result()["id"] for each in asked} == {asked[0].result()["id"]}
        assert time.monotonic() - began < 60, "one after another they would take 300 s"


def urlopen_json(url, body, headers):
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def test_the_environment_names_the_connection_or_the_remedy(monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    with pytest.raises(ClaudeError, match=r"curation\.claude\.stand_in"):
        from_environment()
    with stand_in.serve() as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        answer = from_environment().client().messages.create(**entry()["params"])
    assert answer.model == "offline-rules-1"
