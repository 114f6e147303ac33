"""Holds requests and answers against Alpaca's OpenAPI documents.

What disagrees is a finding. A finding that `deviations.toml` lists, with its reason, is permitted;
every other one fails the check that made it.
"""

import fnmatch
import gzip
import http.client
import http.server
import json
import pathlib
import re
import sys
import threading
import tomllib
import urllib.parse
from dataclasses import dataclass

import jsonschema_rs

HERE = pathlib.Path(__file__).resolve().parent
DOCUMENTS = HERE.parent / "golden" / "openapi"
METHODS = ("get", "post", "put", "patch", "delete")

# What every refusal must look like; the documents leave it out.
ERROR = {
    "type": "object",
    "required": ["message"],
    "properties": {"code": {"type": "integer"}, "message": {"type": "string", "minLength": 1}},
}


@dataclass(frozen=True, order=True)
class Finding:
    """One disagreement: at which operation, and what."""

    where: str
    what: str

    def __str__(self):
        return f"{self.where}: {self.what}"


class Operation:
    """A documented method of a documented path."""

    def __init__(self, document, path, method, item, operation):
        self.document, self.path, self.method, self.body = document, path, method, operation
        self.name = f"{method.upper()} {path}"
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
        if path.startswith(("/v2/assets/", "/v2/positions/")):
            # A crypto pair in a path keeps its slash.
            pattern = re.sub(r"\[\^/\]\+$", "[^/]+(/[A-Z]+)?", pattern)
        self.pattern = re.compile(pattern)
        self.literal = path.count("{")
        parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
        self.parameters = {p["name"]: p for p in map(document.resolve, parameters)}

    def query_parameters(self):
        return {n: p for n, p in self.parameters.items() if p["in"] == "query"}


class Document:
    """One of the two documents."""

    def __init__(self, file):
        self.json = json.loads(gzip.decompress((DOCUMENTS / file).read_bytes()))
        self.validators = {}
        self.operations = [
            Operation(self, path, method, item, item[method])
            for path, item in self.json["paths"].items()
            for method in METHODS
            if method in item
        ]

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            here = self.json
            for part in node["$ref"].removeprefix("#/").split("/"):
                here = here[part.replace("~1", "/").replace("~0", "~")]
            node = here
        return node

    def errors(self, schema, instance):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {"components": self.json["components"], "allOf": [schema]}
            self.validators[key] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self.validators[key].iter_errors(instance)

    def known(self, schemas):
        """Properties of an object under several schemas, and whether others are permitted."""
        properties, open_ended = {}, False
        todo = list(schemas)
        while todo:
            schema = self.resolve(todo.pop())
            for name, inner in schema.get("properties", {}).items():
                properties.setdefault(name, []).append(inner)
            extra = schema.get("additionalProperties")
            if extra not in (None, False):
                open_ended = True
                properties.setdefault("*", []).extend([extra] if isinstance(extra, dict) else [])
            for word in ("allOf", "anyOf", "oneOf"):
                todo.extend(schema.get(word, []))
        return properties, open_ended or not properties

    def items(self, schemas):
        todo, found = list(schemas), []
        while todo:
            schema = self.resolve(todo.pop())
            if "items" in schema:
                found.append(schema["items"])
            for word in ("allOf", "anyOf", "oneOf"):
                todo.extend(schema.get(word, []))
        return found

    def undocumented(self, schemas, instance, path=""):
        """Members of an instance that no schema knows."""
        if isinstance(instance, list):
            inner = self.items(schemas)
            for element in instance if inner else []:
                yield from self.undocumented(inner, element, f"{path}/*")
        elif isinstance(instance, dict):
            properties, open_ended = self.known(schemas)
            for name, value in instance.items():
                if name in properties:
                    yield from self.undocumented(properties[name], value, f"{path}/{name}")
                elif "*" in properties:
                    yield from self.undocumented(properties["*"], value, f"{path}/*")
                elif not open_ended:
                    yield f"{path}/{name}"


class Spec:
    """Both documents."""

    def __init__(self):
        self.documents = [Document("trading-api.json.gz"), Document("market-data-api.json.gz")]
        self.operations = [o for d in self.documents for o in d.operations]
        self.lock = threading.Lock()

    def find(self, method, path):
        path = urllib.parse.unquote(path)
        fits = [
            o
            for o in self.operations
            if o.method == method.lower() and o.pattern.fullmatch(path)
        ]
        return min(fits, key=lambda o: o.literal, default=None)

    def named(self, name):
        return next((o for o in self.operations if o.name == name), None)

    def answer(self, method, target, status, kind, body, operation=None):
        """Findings in an answer."""
        with self.lock:
            return set(self._answer(method, target, status, kind, body, operation))

    def _answer(self, method, target, status, kind, body, operation):
        path = urllib.parse.urlsplit(target).path
        operation = operation or self.find(method, path)
        if operation is None:
            yield Finding(f"{method} {path}", "the documents do not have it")
            return
        where = operation.name
        if status >= 500:
            yield Finding(where, f"answers {status}")
        documented = operation.body["responses"].get(str(status))
        if documented is None:
            yield Finding(where, f"status {status} is not documented")
        instance = None
        if body:
            try:
                instance = json.loads(body)
            except ValueError:
                yield Finding(where, f"status {status} has a body that is not JSON")
                return
            if not kind.startswith("application/json"):
                yield Finding(where, f"status {status} has the content type {kind!r}")
        if status >= 400:
            yield from self._compare(operation, f"{status}", ERROR, instance, members=False)
        content = operation.document.resolve(documented or {}).get("content") or {}
        schema = (content.get("application/json") or {}).get("schema")
        if schema is not None:
            yield from self._compare(operation, f"{status}", schema, instance)
        elif instance is not None and status < 300 and documented is not None:
            yield Finding(where, f"status {status} has a body, none is documented")

    def request(self, method, target, body):
        """Findings in a request."""
        with self.lock:
            return set(self._request(method, target, body))

    def _request(self, method, target, body):
        url = urllib.parse.urlsplit(target)
        operation = self.find(method, url.path)
        if operation is None:
            yield Finding(f"{method} {url.path}", "request: the documents do not have it")
            return
        where, known = operation.name, operation.query_parameters()
        pairs = urllib.parse.parse_qsl(url.query, keep_blank_values=True)
        for name, text in pairs:
            if name not in known:
                yield Finding(where, f"request: parameter {name} is not documented")
                continue
            schema = known[name].get("schema", {})
            forms = query_forms(text)
            if not any(not list(operation.document.errors(schema, form)) for form in forms):
                yield Finding(where, f"request: parameter {name} is not valid")
        for name, parameter in known.items():
            if parameter.get("required") and name not in dict(pairs):
                yield Finding(where, f"request: parameter {name} is missing")
        wanted = operation.document.resolve(operation.body.get("requestBody") or {})
        schema = (wanted.get("content", {}).get("application/json") or {}).get("schema")
        if body and schema is None:
            yield Finding(where, "request: a body, none is documented")
        elif schema is not None:
            try:
                instance = json.loads(body)
            except ValueError:
                yield Finding(where, "request: the body is not JSON")
                return
            yield from self._compare(operation, "request", schema, instance)

    def _compare(self, operation, label, schema, instance, members=True):
        for error in operation.document.errors(schema, instance):
            path = "".join(
                f"/{'*' if isinstance(part, int) else part}" for part in error.instance_path
            )
            rule = next(
                (p for p in reversed(error.schema_path) if isinstance(p, str)), "the schema"
            )
            if rule == "required":
                missing = re.findall(r'"([^"]*)"', error.message)
                rule = f"required {missing[0]}"
            yield Finding(operation.name, f"{label}: {path or '/'} breaks {rule}")
        if members:
            for path in operation.document.undocumented([schema], instance):
                yield Finding(operation.name, f"{label}: {path} is not documented")


def query_forms(text):
    """What a query parameter's text may stand for."""
    forms = [text, text.split(",")]
    lowered = text.lower()
    if lowered in ("true", "false"):
        forms.append(lowered == "true")
    if re.fullmatch(r"-?\d+", text):
        forms.append(int(text))
    elif re.fullmatch(r"-?\d+\.\d+", text):
        forms.append(float(text))
    return forms


class Deviations:
    """The findings that are permitted, and the operations that are left out."""

    def __init__(self):
        listed = tomllib.loads((HERE / "deviations.toml").read_text())
        self.entries = listed["deviation"]
        self.absent = {name: entry["why"] for entry in listed["absent"] for name in entry["names"]}
        self.met = set()

    def permits(self, finding):
        for number, entry in enumerate(self.entries):
            where, what = entry["where"], entry["what"]
            where = [where] if isinstance(where, str) else where
            if any(matches(w, finding.where) for w in where) and matches(what, finding.what):
                self.met.add(number)
                return True
        return False

    def unmet(self):
        """Listed deviations that did not occur."""
        return [e for n, e in enumerate(self.entries) if n not in self.met]


def matches(pattern, text):
    """A `*` stands for anything; brackets for themselves."""
    return fnmatch.fnmatchcase(text, re.sub(r"([\[?])", r"[\1]", pattern))


class Quiet(http.server.ThreadingHTTPServer):
    """A server that says nothing of clients that hang up."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Proxy:
    """Stands between a client and the venue and holds what passes against the documents."""

    def __init__(self, upstream, requests=False):
        self.upstream = urllib.parse.urlsplit(upstream)
        self.spec, self.requests = Spec(), requests
        self.findings, self.seen, self.count = {}, set(), 0
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one segment: two would wait for the client's delayed acknowledgement.
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def pass_on(self):
                proxy.pass_on(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def pass_on(self, handler):
        size = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(size)
        line = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=60)
        drop = ("host", "connection", "accept-encoding")
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in drop}
        line.request(handler.command, handler.path, body or None, headers)
        answer = line.getresponse()
        content = answer.read()
        line.close()
        self.judge(handler, body, answer, content)
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                handler.send_header(name, value)
        if answer.status != 204:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def judge(self, handler, body, answer, content):
        method, target = handler.command, handler.path
        kind = answer.getheader("Content-Type", "")
        found = self.spec.answer(method, target, answer.status, kind, content)
        if self.requests:
            found |= self.spec.request(method, target, body)
        operation = self.spec.find(method, urllib.parse.urlsplit(target).path)
        self.count += 1
        if operation is not None:
            self.seen.add((operation.name, answer.status))
        for finding in found:
            example = f"{method} {target} {body[:300]!r} -> {answer.status} {content[:600]!r}"
            self.findings.setdefault(finding, example)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def report(findings, deviations):
    """Prints what is not permitted; the number of such findings."""
    bad = [finding for finding in sorted(findings) if not deviations.permits(finding)]
    for finding in bad:
        print(f"NOT PERMITTED {finding}\n    {findings[finding]}")
    return len(bad)
