"""A client that openapi-python-client makes of the document can be imported and calls the gateway."""

import importlib
import subprocess
import sys
import urllib.request

import pytest

from conftest import GATEWAY, KEY


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    directory = tmp_path_factory.mktemp("client")
    document = directory / "openapi.json"
    document.write_bytes(urllib.request.urlopen(f"{GATEWAY}/openapi.json").read())
    (directory / "config.yaml").write_text("package_name_override: gateway_client\npost_hooks: []\n")
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", "generate", "--path", document, "--meta", "none"]
        + ["--output-path", directory / "gateway_client", "--config", directory / "config.yaml", "--fail-on-warning"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(directory))
    module = importlib.import_module("gateway_client")
    yield module.AuthenticatedClient(base_url=GATEWAY, token=KEY, raise_on_unexpected_status=True)
    sys.path.remove(str(directory))


def api(tag, operation):
    return importlib.import_module(f"gateway_client.api.{tag}.{operation}")


def test_it_reads_health_lists_and_settings(client):
    assert api("health", "get_health").sync(client=client).status == "ok"
    records = api("records", "list_records").sync(client=client, limit=2)
    assert len(records.data) == 2
    detail = api("records", "get_record").sync(records.data[0].id, client=client)
    assert detail.id == records.data[0].id
    assert "shop" in [project.id for project in api("projects", "list_projects").sync(client=client).data]


def test_it_makes_a_key_and_takes_it_back(client):
    models = importlib.import_module("gateway_client.models")
    made = api("keys", "create_key").sync(client=client, body=models.NewKey(label="made by a client"))
    assert made.secret.startswith("gk-")
    revoked = api("keys", "revoke_key").sync(made.id, client=client)
    assert str(revoked.status) == "revoked"


def test_what_is_refused_comes_as_the_document_says(client):
    refused = api("records", "get_record").sync_detailed("no-such-record", client=client)
    assert refused.status_code == 404
    assert refused.parsed.error.code == "not_found"
