"""The document that clients build themselves from, against Google's own."""

import pytest

from tests.sandbox.google import discovery

PLACES = ("/google/$discovery/rest?version=v3", "/google/discovery/v1/apis/calendar/v3/rest")
PARAMETER = ("type", "format", "location", "required", "repeated", "enum", "minimum", "maximum")


def bare(parameters):
    return {
        name: {word: told[word] for word in PARAMETER if word in told}
        | ({"enum": sorted(told["enum"])} if "enum" in told else {})
        for name, told in parameters.items()
    }


@pytest.fixture
def ours(google):
    return google.http.get(PLACES[0]).json()


def theirs(google):
    return discovery.document(f"{google.base_url}/google/")


def test_it_is_served_in_both_places_and_for_no_other_version(google, ours):
    assert google.http.get(PLACES[1]).json() == ours
    assert google.http.get("/google/$discovery/rest?version=v2").status_code == 404
    assert google.http.get("/google/discovery/v1/apis/calendar/v2/rest").status_code == 404


def test_the_directory_leads_to_it(google, ours):
    told = google.http.get("/google/discovery/v1/apis", params={"name": "calendar", "preferred": "true"}).json()
    assert (told["kind"], len(told["items"])) == ("discovery#directoryList", 1)
    assert google.http.get(told["items"][0]["discoveryRestUrl"]).json() == ours
    assert google.http.get("/google/discovery/v1/apis").json() == told
    assert google.http.get("/google/discovery/v1/apis", params={"name": "drive"}).json()["items"] == []


def test_it_leads_to_the_server_that_served_it(google, ours):
    same = ("kind", "discoveryVersion", "id", "name", "version", "title", "description", "protocol")
    for name in (*same, "rootUrl", "servicePath", "basePath", "baseUrl", "batchPath"):
        assert ours[name] == theirs(google)[name]


def test_its_methods_are_the_published_ones(google, ours):
    published = theirs(google)["resources"]
    del published["calendars"]["methods"]["transferOwnership"]  # not served
    assert ours["resources"].keys() == published.keys()
    for resource, told in published.items():
        methods = ours["resources"][resource]["methods"]
        assert methods.keys() == told["methods"].keys()
        for name, method in told["methods"].items():
            mine = methods[name]
            for word in ("id", "path", "httpMethod", "response"):
                assert mine.get(word) == method.get(word), (method["id"], word)
            assert mine.get("request", {}).get("$ref") == method.get("request", {}).get("$ref")
            assert mine["scopes"] == sorted(method["scopes"])
            assert mine["parameterOrder"] == method.get("parameterOrder", [])
            assert bare(mine["parameters"]) == bare(method.get("parameters", {}))


def test_its_common_parameters_and_scopes_are_the_published_ones(google, ours):
    assert bare(ours["parameters"]) == bare(theirs(google)["parameters"])
    assert ours["auth"]["oauth2"]["scopes"].keys() == theirs(google)["auth"]["oauth2"]["scopes"].keys()


def flat(schema, schemas):
    """A schema without the names it refers by, and without words for humans."""
    if "$ref" in schema:
        return flat(schemas[schema["$ref"]], schemas)
    if schema["type"] == "array":
        return [flat(schema["items"], schemas)]
    if schema["type"] != "object":
        return schema["type"]
    if "additionalProperties" in schema:
        return {"*": flat(schema["additionalProperties"], schemas)}
    return {name: flat(inner, schemas) for name, inner in schema.get("properties", {}).items()}


def test_its_schemas_have_the_published_fields(google, ours):
    published = theirs(google)["schemas"]
    needed = {
        method[way]["$ref"]
        for resource in ours["resources"].values()
        for method in resource["methods"].values()
        for way in ("request", "response")
        if way in method
    }
    assert ours["schemas"].keys() == needed
    for name, schema in ours["schemas"].items():
        assert schema["id"] == name
        assert flat(schema, ours["schemas"]) == flat(published[name], published)
