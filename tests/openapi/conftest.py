"""The gateway under test, as the rig started it, with something in its records."""

import json
import os
import urllib.error
import urllib.request

import pytest

GATEWAY = os.environ["GATEWAY_URL"]
KEY = os.environ["VIRTUAL_KEY"]


def call(method, path, body=None):
    """The status and the JSON of one call."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    request = urllib.request.Request(GATEWAY + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture(scope="session", autouse=True)
def history():
    """Some requests, so that lists have entries: answered, streamed by another API, refused."""
    turn = [{"role": "user", "content": "Hello"}]
    headers = {"authorization": f"Bearer {KEY}", "x-project": "shop", "x-source": "tests", "x-tags": "a=b"}
    bodies = [
        ("/v1/chat/completions", {"model": "gpt-4o", "messages": turn}),
        ("/v1/messages", {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": turn}),
        ("/v1/chat/completions", {"model": "no/such-model", "messages": turn}),
    ]
    for path, body in bodies:
        request = urllib.request.Request(GATEWAY + path, json.dumps(body).encode(), headers, method="POST")
        try:
            urllib.request.urlopen(request).read()
        except urllib.error.HTTPError:
            pass
