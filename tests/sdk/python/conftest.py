"""The gateway under test, as the rig started it, and its records."""

import json
import os
import time
import urllib.parse
import urllib.request

import pytest

GATEWAY = os.environ["GATEWAY_URL"]
KEY = os.environ["VIRTUAL_KEY"]


def get(path):
    with urllib.request.urlopen(GATEWAY + path) as answer:
        return json.load(answer)


@pytest.fixture
def source(request):
    """A requester of this test's own."""
    return f"{request.module.__name__}.{request.node.name}"


@pytest.fixture
def records(source):
    """Waits for the records of this test's own requester."""

    def wait(count=1):
        deadline = time.monotonic() + 20
        while True:
            found = get(f"/v1/records?source={urllib.parse.quote(source)}&limit=100")["data"]
            if len(found) >= count or time.monotonic() > deadline:
                assert len(found) == count, found
                return found
            time.sleep(0.02)

    return wait
