"""The server, over real connections."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from hue_cli.errors import UsageError
from hue_cli.study.answers import AnswerBook
from hue_cli.study.design import Study
from hue_cli.study.server import MAX_BODY, StudyServer


@pytest.fixture
def server(study: Study) -> Iterator[StudyServer]:
    with StudyServer(study, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(
    server: StudyServer, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    connection.request(method, path, content, {"Content-Type": "application/json", **headers})
    reply = connection.getresponse()
    found = reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
    connection.close()
    return found


def post(server: StudyServer, path: str, body: object, **headers: str) -> tuple[int, Any]:
    status, _, content = ask(server, "POST", path, body, **headers)
    return status, json.loads(content)


def test_a_rater_answers_to_the_end(server: StudyServer, study: Study) -> None:
    status, state = post(server, "/api/join", {"rater": "  Ada   L. "})
    assert (status, state["rater"], state["number"], state["total"]) == (200, "Ada L.", 0, 6)
    seen = []
    while state["number"] < state["total"]:
        status, headers, picture = ask(server, "GET", state["pictures"][0])
        assert (status, headers["content-type"], picture[:2]) == (200, "image/jpeg", b"\xff\xd8")
        seen.append(state["pictures"][0].rpartition("/")[2])
        answer = {"rater": "Ada L.", "number": state["number"], "answer": "real", "ms": 5}
        state = post(server, "/api/answer", answer)[1]
    assert seen == [picture.id for picture in study.order(0)]
    assert state["pictures"] == []
    assert len(AnswerBook(study).raters["Ada L."].answers) == 6


def test_nothing_that_is_sent_tells_what_a_picture_shows(server: StudyServer, study: Study) -> None:
    sent = ask(server, "GET", "/")[2] + ask(server, "POST", "/api/join", {"rater": "ada"})[2]
    for hint in ("timid", "bold", "photo-", "shows"):
        assert hint.encode() not in sent
    _, headers, _ = ask(server, "GET", f"/pictures/{study.pictures[0].id}")
    assert set(headers) <= {
        *("server", "date", "content-type", "content-length", "cache-control"),
        *("content-security-policy", "x-content-type-options", "referrer-policy"),
    }


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/join", {"rater": ""}, 400),
        ("/api/join", {"rater": "x" * 61}, 400),
        ("/api/join", {"rater": 7}, 400),
        ("/api/join", {"rater": "a\u202eb"}, 400),
        ("/api/join", b"[]", 400),
        ("/api/join", b"{", 400),
        ("/api/join", b" " * (MAX_BODY + 1), 413),
        ("/api/answer", {"rater": "ada", "number": 0, "answer": "perhaps", "ms": 1}, 400),
        ("/api/answer", {"rater": "ada", "number": "0", "answer": "real", "ms": 1}, 400),
        ("/api/answer", {"rater": "ada", "number": 0, "answer": "real", "ms": -1}, 400),
        ("/api/answer", {"rater": "ada", "number": True, "answer": "real", "ms": 1}, 400),
        ("/api/key", {}, 404),
    ],
)
def test_other_requests_are_refused_with_a_sentence(server: StudyServer, path: str, body: object, status: int) -> None:
    found, content = post(server, path, body)
    assert found == status
    assert content["error"]


@pytest.mark.parametrize("path", ["/key.json", "/pictures/../key.json", "/pictures/", "/pictures/%2e%2e/key.json"])
def test_no_other_file_is_sent(server: StudyServer, path: str) -> None:
    assert ask(server, "GET", path)[0] == 404


def test_pages_of_other_sites_cannot_speak_for_a_rater(server: StudyServer, study: Study) -> None:
    assert post(server, "/api/join", {"rater": "ada"}, Host="study.example")[0] == 403
    assert ask(server, "POST", "/api/join", {"rater": "ada"}, **{"Content-Type": "text/plain"})[0] == 415
    assert not AnswerBook(study).raters


def test_raters_answer_at_the_same_time(server: StudyServer, study: Study) -> None:
    def rate(name: str) -> None:
        post(server, "/api/join", {"rater": name})
        for number in range(6):
            post(server, "/api/answer", {"rater": name, "number": number, "answer": "colorized", "ms": number})

    threads = [Thread(target=rate, args=(f"rater {number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book = AnswerBook(study)
    assert sorted(rater.index for rater in book.raters.values()) == list(range(5))
    assert all([answer.ms for answer in rater.answers] == list(range(6)) for rater in book.raters.values())


def test_a_port_that_is_taken_is_named(server: StudyServer, study: Study) -> None:
    port = server.server_address[1]
    with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port}: the server cannot listen there"):
        StudyServer(study, "127.0.0.1", port)


def test_the_page_bears_the_title(study: Study) -> None:
    with StudyServer(replace(study, title="Echt <oder> gefärbt?"), "127.0.0.1", 0) as server:
        page = server.page.decode()
    assert "<title>Echt &lt;oder&gt; gefärbt?</title>" in page
    assert "<h1>Echt &lt;oder&gt; gefärbt?</h1>" in page


def test_a_name_is_the_same_however_it_is_written(server: StudyServer) -> None:
    for name in ("Zoe\u0308", "Zo\u00eb"):
        assert post(server, "/api/join", {"rater": name})[1]["rater"] == "Zo\u00eb"
    assert len(server.book.raters) == 1


def test_an_answer_that_cannot_be_kept_is_refused(server: StudyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise UsageError("answers.jsonl: an answer cannot be kept.")

    post(server, "/api/join", {"rater": "ada"})
    monkeypatch.setattr(server.book, "add", full)
    answer = {"rater": "ada", "number": 0, "answer": "real", "ms": 5}
    status, reply = post(server, "/api/answer", answer)
    assert (status, "cannot keep answers" in reply["error"]) == (507, True)


def test_on_all_addresses_raters_are_told_the_machine_s_name(study: Study) -> None:
    with StudyServer(study, "0.0.0.0", 0) as server:
        assert server.url == f"http://{socket.gethostname()}:{server.server_address[1]}/"
        assert not server.is_local
