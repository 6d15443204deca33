"""/openapi.json: open to everybody, well-formed OpenAPI 3.1, and noticed when it is not true.

That it is true is asked of every answer of every test: see harness/described.py."""

import copy
import itertools
import re

import jsonschema
import pytest

from harness import described, http

NAME = "^[a-zA-Z0-9._-]+$"
TEXT = {"type": "string", "minLength": 1}
REFERENCE = {"type": "object", "required": ["$ref"], "additionalProperties": False,
             "properties": {"$ref": {"type": "string", "pattern": "^#/components/"}}}


def thing(needed, **properties):
    """An object of the specification: nothing but its own members and extensions."""
    return {"type": "object", "required": needed.split(), "properties": properties,
            "patternProperties": {"^x-": {}}, "additionalProperties": False}


def named(value, pattern=NAME):
    return {"type": "object", "propertyNames": {"pattern": pattern}, "additionalProperties": value}


def or_reference(value):
    return {"if": {"type": "object", "required": ["$ref"]}, "then": REFERENCE, "else": value}


# OpenAPI 3.1.0, section 4.8, as far as a server without webhooks, links and callbacks needs it.
MEDIA = named(thing("", schema={"type": ["object", "boolean"]}, example={}, examples={"type": "object"}),
              r"^[a-z]+/[a-z0-9.+-]+$")
HEADER = thing("schema", description=TEXT, required={"type": "boolean"}, deprecated={"type": "boolean"},
               schema={"type": ["object", "boolean"]})
PARAMETER = {**thing("name in schema", name=TEXT, description=TEXT, required={"type": "boolean"},
                     deprecated={"type": "boolean"}, schema={"type": ["object", "boolean"]},
                     **{"in": {"enum": ["query", "header", "path", "cookie"]}}),
             "if": {"properties": {"in": {"const": "path"}}},
             "then": {"required": ["required"], "properties": {"required": {"const": True}}}}
RESPONSE = thing("description", description=TEXT, headers=named(or_reference(HEADER)), content=MEDIA)
SECURITY = {"type": "array", "items": named({"type": "array", "items": TEXT})}
SCHEME = {"oneOf": [
    thing("type scheme", type={"const": "http"}, scheme=TEXT, bearerFormat=TEXT, description=TEXT),
    {**thing("type in name", type={"const": "apiKey"}, name=TEXT, description=TEXT,
             **{"in": {"enum": ["query", "header", "cookie"]}})}]}
OPERATION = thing(
    "operationId summary tags security responses", operationId=TEXT, summary=TEXT, description=TEXT,
    tags={"type": "array", "items": TEXT, "minItems": 1}, security=SECURITY,
    parameters={"type": "array", "items": or_reference(PARAMETER), "uniqueItems": True},
    requestBody=or_reference(thing("content", description=TEXT, required={"type": "boolean"},
                                   content={**MEDIA, "minProperties": 1})),
    responses={**named(or_reference(RESPONSE), "^([1-5][0-9]{2}|default)$"), "minProperties": 1})
DOCUMENT = thing(
    "openapi info paths components", openapi={"type": "string", "pattern": r"^3\.1\.\d+$"},
    info=thing("title version", title=TEXT, summary=TEXT, description=TEXT, version=TEXT),
    servers={"type": "array", "items": thing("url", url=TEXT, description=TEXT)},
    tags={"type": "array", "items": thing("name", name=TEXT, description=TEXT)},
    paths=named(thing("", get=OPERATION, post=OPERATION, put=OPERATION), "^/"),
    components=thing("", schemas=named({"type": ["object", "boolean"]}), responses=named(RESPONSE),
                     parameters=named(PARAMETER), headers=named(HEADER), securitySchemes=named(SCHEME)))


@pytest.fixture(scope="module")
def document(server):
    return server.get("/openapi.json").must(200).json


def operations(document):
    """(path, method, operation) of all."""
    return [(path, method, node) for path, methods in document["paths"].items() for method, node in methods.items()]


def schemas(node):
    """Every schema in a document, the whole of each."""
    if isinstance(node, list):
        return itertools.chain.from_iterable(schemas(one) for one in node)
    if not isinstance(node, dict):
        return iter(())
    own = [node["schema"]] if isinstance(node.get("schema"), dict) else []
    return itertools.chain(own, *(schemas(one) for one in node.values()))


def test_it_needs_no_credential_and_may_be_shared(server):
    answer = server.get("/openapi.json").must(200)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_who_has_it_is_told_just_that(server):
    tag = server.get("/openapi.json").must(200).headers["ETag"]
    again = server.get("/openapi.json", headers={"If-None-Match": tag}).must(304)
    assert not again.body and again.headers["ETag"] == tag and "Content-Type" not in again.headers
    assert server.get("/openapi.json", headers={"If-None-Match": '"another"'}).must(200).headers["ETag"] == tag


def test_it_is_well_formed_openapi_3_1(document):
    jsonschema.Draft202012Validator.check_schema(DOCUMENT)
    errors = [f"{error.json_path}: {error.message[:200]}"
              for error in jsonschema.Draft202012Validator(DOCUMENT).iter_errors(document)]
    assert not errors, "\n".join(errors[:20])


def test_every_schema_is_json_schema_2020_12(document):
    for schema in itertools.chain(document["components"]["schemas"].values(), schemas(document)):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_names_are_unique_and_known(document):
    names = [node["operationId"] for _, _, node in operations(document)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in document["tags"]}
    schemes = set(document["components"]["securitySchemes"])
    for path, method, node in operations(document):
        assert set(node["tags"]) <= tags, (method, path)
        assert {name for way in node["security"] for name in way} <= schemes, (method, path)


def test_parameters_are_those_of_the_path_and_none_stands_twice(document):
    parameters = document["components"]["parameters"]
    for path, method, node in operations(document):
        own = [parameters[one["$ref"].rsplit("/", 1)[1]] for one in node["parameters"]]
        places = [(one["in"], one["name"]) for one in own]
        assert len(places) == len(set(places)), (method, path)
        assert {name for place, name in places if place == "path"} == set(re.findall(r"\{(\w+)\}", path))


def test_no_component_is_there_for_nothing(document):
    text = str(document)
    for kind, members in document["components"].items():
        if kind == "securitySchemes":
            continue
        unused = [name for name in members if f"#/components/{kind}/{name}'" not in text]
        assert not unused, (kind, unused)


def test_no_address_answers_without_a_word_about_it(document):
    for path, method, node in operations(document):
        statuses = set(node["responses"])
        assert any(status < "400" for status in statuses), (method, path)
        assert {"400", "503", "default"} <= statuses, (method, path)
        if node["security"]:
            assert {"401", "403", "429"} <= statuses, (method, path)


# ---- the checker itself: what it must find ----

ALIVE = {"Content-Type": "application/json", "X-Request-Id": "0" * 32, "Cache-Control": "no-store",
         "CDN-Cache-Control": "no-store"}


def judged(document, status=200, body=b'{"status":"alive"}', path="/livez", method="GET", sent=None, **fields):
    headers = {**ALIVE, **{name.replace("_", "-"): value for name, value in fields.items()}}
    answer = http.Answer(status, {name: value for name, value in headers.items() if value is not None}, body)
    return described.Description(document).faults(method, path, sent, Fields.of(answer))


class Fields(dict):
    """Header fields found by any case, as http.client gives them."""

    @staticmethod
    def of(answer):
        answer.headers = Fields(answer.headers)
        return answer

    def get(self, name, default=None):
        return next((value for key, value in self.items() if key.lower() == name.lower()), default)

    def __contains__(self, name):
        return self.get(name) is not None


def test_the_checker_accepts_what_is_described(document):
    assert judged(document) == []


@pytest.mark.parametrize("change", [
    {"body": b'{"status":"alive","surprise":1}'}, {"body": b"{}"}, {"body": b'{"status":"dead"}'},
    {"status": 201}, {"status": 404}, {"Content_Type": "text/plain"}, {"X_Request_Id": None},
    {"X_Request_Id": "short"}, {"X_New": "1"}, {"path": "/elsewhere"}, {"method": "POST"},
    {"path": "/livez?unknown=1"}, {"status": 503}], ids=str)
def test_the_checker_finds_what_is_not_described(document, change):
    assert judged(document, **change)


def test_the_checker_finds_a_description_that_is_too_narrow(document):
    narrow = copy.deepcopy(document)
    narrow["components"]["schemas"]["JobState"] = {"enum": ["lost"]}
    page = {"body": b'{"jobs":[],"next_cursor":null}', "path": "/v1/jobs?state=failed", "ETag": '"0123456789abcdef"'}
    assert judged(document, **page) == []
    assert judged(narrow, **page)
    assert judged(document, status=200, path="/v1/admin/tenants/a", method="POST", sent=b'{"new":1}',
                  body=b'{"tenant":{"id":"a","name":"A","timezone":"UTC","status":"active","source":null}}')
