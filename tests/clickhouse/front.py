"""ClickHouse's HTTP interface, as far as the tracer needs it, before the engine that the package chdb embeds.

`front.py PORT DIRECTORY` serves the data in DIRECTORY until it is killed. Statements come in `query`, rows of an INSERT in
the body; other parameters are settings of the statement, as with the real server."""

import http.server
import os
import sys
import tempfile
import urllib.parse

from chdb.session import Session

PORT, DIRECTORY = int(sys.argv[1]), sys.argv[2]
PASSWORD = os.environ.get("CLICKHOUSE_PASSWORD", "")

engine = Session(DIRECTORY)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        parameters = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        statement = parameters.pop("query", "")
        if self.headers.get("x-clickhouse-user") != "default" or self.headers.get("x-clickhouse-key", "") != PASSWORD:
            return self.answer(403, "Code: 516. DB::Exception: Authentication failed")
        try:
            self.answer(200, self.run(statement, parameters, body))
        except Exception as error:  # whatever the engine says goes to the client
            self.answer(404 if "UNKNOWN_TABLE" in str(error) else 500, str(error))

    def run(self, statement, settings, body):
        told = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
        if not body:
            return str(engine.query(statement, "TabSeparated"))
        # The engine reads rows from files; a server reads them from the connection.
        with tempfile.NamedTemporaryFile(suffix=".jsonl", dir=os.path.dirname(DIRECTORY)) as rows:
            rows.write(body)
            rows.flush()
            into, _, form = statement.partition(" FORMAT ")
            return str(engine.query(f"{into} SETTINGS {told} SELECT * FROM file('{rows.name}', '{form}')".replace(" SETTINGS  SELECT", " SELECT")))

    def answer(self, status, text):
        text = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


http.server.HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
