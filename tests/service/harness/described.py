"""Holds every answer a test gets against the server's own /openapi.json, so that the whole suite proves it true.

What is found is kept in `faults`, which conftest.py reads after each test: a request may run in a thread."""

import http.client
import json
import re
import threading
import urllib.parse

import jsonschema

# Every answer may carry these, whatever it is about.
GENERAL_FIELDS = {"date", "content-type", "content-length", "connection", "vary", "cache-control",
                  "cdn-cache-control", "x-content-type-options"}
# What holds nobody's data and may lie in a cache that everybody shares.
SHARED = {"/openapi.json", "/assets/{file}"}
# A failure of these kinds belongs to some addresses only, so that each must say so; any may meet the others.
OWN_PROBLEMS = {401, 403, 404, 409, 413, 415, 416, 422, 429, 502, 503}
LARGEST_BODY_BYTES = 1 << 20
# What is sent here is judged ticket by ticket, and bad ones are taken note of with 200.
LENIENT = {"/internal/ingest/tickets"}

faults = []
_lock = threading.Lock()
_description = None


def check(port, method, target, sent, answer):
    """Notes what is wrong with an answer; `sent` is the body of the request, if it was one text."""
    description = _load(port)
    if description is None:
        return
    found = description.faults(method, target, sent, answer)
    faults.extend(f"{method} {target} {answer.status}: {fault}" for fault in found)


def take_faults():
    """What was found since the last time."""
    found = list(faults)
    del faults[:len(found)]
    return found


def _load(port):
    """The description by whichever server answers first: they are all the same program."""
    global _description  # pylint: disable=global-statement
    with _lock:
        if _description is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                connection.request("GET", "/openapi.json")
                response = connection.getresponse()
                text = response.read()
                assert response.status == 200, f"/openapi.json: {response.status} {text[:300]!r}"
                _description = Description(json.loads(text))
            except (OSError, http.client.HTTPException):
                return None  # it ends just now; the next answer comes from another
            finally:
                connection.close()
        return _description


class Operation:
    """One method of one path, its references resolved."""

    def __init__(self, path, node):
        self.path = path
        self.node = node
        self.pattern = re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part)
                                          for part in re.split(r"(\{[^}]*\})", path)))
        self.parameters = {p["name"]: jsonschema.Draft202012Validator(p["schema"])
                           for p in node["parameters"] if p["in"] == "query"}
        self.body = _validators(node.get("requestBody", {}))
        self.answers = {status: Answer(response) for status, response in node["responses"].items()}


class Answer:
    """A response of an operation: what may and what must be in it."""

    def __init__(self, response):
        self.contents = _validators(response)
        self.fields = {name.lower(): (field.get("required", False), field["schema"].get("type") == "integer",
                                      jsonschema.Draft202012Validator(field["schema"]))
                       for name, field in response.get("headers", {}).items()}


def _validators(node):
    return {media: jsonschema.Draft202012Validator(content["schema"]) if "schema" in content else None
            for media, content in node.get("content", {}).items()}


class Description:
    """An OpenAPI document made ready for asking."""

    def __init__(self, document):
        self.document = document
        self.resolved = {}
        paths = sorted(document["paths"].items(), key=lambda item: "{" in item[0])
        self.operations = {}
        for path, methods in paths:
            for method, node in methods.items():
                self.operations.setdefault(method.upper(), []).append(Operation(path, self.resolve(node)))
        self.problem = jsonschema.Draft202012Validator(self.resolve({"$ref": "#/components/schemas/Problem"}))

    def resolve(self, node):
        """The node with every reference replaced by what it names; no schema of ours contains itself."""
        if isinstance(node, list):
            return [self.resolve(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" not in node:
            return {name: self.resolve(one) for name, one in node.items()}
        name = node["$ref"]
        if name not in self.resolved:
            found = self.document
            for step in name.split("/")[1:]:
                found = found[step]
            self.resolved[name] = self.resolve(found)
        return {**self.resolved[name], **{key: one for key, one in node.items() if key != "$ref"}}

    def find(self, method, path):
        """The operation of a request, None of one that is not described."""
        for operation in self.operations.get("GET" if method == "HEAD" else method, []):
            if operation.pattern.fullmatch(path):
                return operation
        return None

    def faults(self, method, target, sent, answer):
        """What of an answer is not as described, as sentences."""
        path, _, query = target.partition("?")
        operation = self.find(method, path)
        found = _kept_at_the_edge(operation, answer)
        if operation is None:
            return found + self._not_described(answer)
        described = operation.answers.get(str(answer.status))
        if described is None:
            if answer.status < 400 or answer.status in OWN_PROBLEMS:
                return [f"the status is not described: {answer}"]
            described = operation.answers["default"]
        found += _wrong_fields(described, answer) + _wrong_content(described, method, answer)
        if answer.status < 300:
            found += _wrong_request(operation, query, sent)
        return found

    def _not_described(self, answer):
        """Where there is no operation, nothing but a problem may come."""
        if answer.status < 400:
            return ["this is answered but not described"]
        if answer.headers.get("Content-Type") is None:
            return []  # to HEAD
        return _complaints(self.problem, answer.json)


def _complaints(validator, instance):
    if validator.is_valid(instance):
        return []
    return [f"{error.json_path}: {error.message[:300]}" for error in list(validator.iter_errors(instance))[:3]]


def _kept_at_the_edge(operation, answer):
    """A cache between us and many people may keep nothing but what is the same for all of them."""
    if answer.status < 400 and operation is not None and operation.path in SHARED:
        return []
    kept = answer.headers.get("Cache-Control", "")
    found = [] if kept.split(",")[0] in ("no-store", "private", "no-cache") else [f"Cache-Control is {kept!r}"]
    if answer.headers.get("CDN-Cache-Control") != "no-store":
        found.append("a shared cache may keep it: there is no CDN-Cache-Control: no-store")
    return found


def _wrong_fields(described, answer):
    found = [f"the field {name} is missing" for name, (required, _, _) in described.fields.items()
             if required and name not in answer.headers]
    for name, value in answer.headers.items():
        if name.lower() in GENERAL_FIELDS:
            continue
        if name.lower() not in described.fields:
            found.append(f"the field {name} is not described")
            continue
        _, is_number, validator = described.fields[name.lower()]
        found += [f"the field {name}: {fault}" for fault in
                  _complaints(validator, int(value) if is_number and value.isdigit() else value)]
    return found


def _wrong_content(described, method, answer):
    media = answer.headers.get("Content-Type")
    if media is None:
        return ["a body without a media type"] if answer.body else []
    media = media.partition(";")[0]
    if media not in described.contents:
        return [f"the media type {media} is not described"]
    validator = described.contents[media]
    if validator is None or method == "HEAD" or not media.endswith("json") or len(answer.body) > LARGEST_BODY_BYTES:
        return []
    return _complaints(validator, json.loads(answer.content))


def _wrong_request(operation, query, sent):
    """What was accepted although the description does not allow it: then it is too narrow."""
    found = []
    for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
        validator = operation.parameters.get(name)
        if validator is None:
            if operation.path != "/":
                found.append(f"the query name {name} was taken but is not described")
            continue
        if validator.schema.get("type") in ("integer", "boolean"):
            value = json.loads(value)
        found += [f"?{name}= was taken: {fault}" for fault in _complaints(validator, value)]
    validator = operation.body.get("application/json")
    if sent and validator is not None and operation.path not in LENIENT and isinstance(sent, (bytes, str)):
        found += [f"the body was taken: {fault}" for fault in _complaints(validator, json.loads(sent))]
    return found
