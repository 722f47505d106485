"""Schemathesis hooks: values of the custom scalars, existing ids, and the check for server errors."""

import datetime
import json
import os
import urllib.request

import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes, scalar

ENDPOINT, TOKEN = os.environ["FUZZ_ENDPOINT"], os.environ["FUZZ_TOKEN"]


def ids():
    """Ids of the examples, without the administrator's: reissuing their invitation would end the session."""
    lists = ["accounts", "contacts", "opportunities", "bookings", "touches", "events"]
    lists = " ".join(f"{name}(first: 20) {{ nodes {{ id }} }}" for name in lists)
    query = f"{{ {lists} users(filter: {{role: SELLER}}) {{ nodes {{ id }} }} organization {{ id }} }}"
    headers = {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(ENDPOINT, data=json.dumps({"query": query}).encode(), headers=headers)
    with urllib.request.urlopen(request) as response:
        data = json.load(response)["data"]
    own = [data.pop("organization")["id"]]
    found = sorted(node["id"] for nodes in data.values() for node in nodes["nodes"])
    assert len(found) > 60, f"only {len(found)} ids: the examples are not imported"
    return found + own


TEXT = st.text(max_size=60)
scalar("ID", st.one_of(st.sampled_from(ids()), TEXT).map(nodes.String))
scalar("Date", st.one_of(st.dates().map(datetime.date.isoformat), TEXT).map(nodes.String))
scalar("DateTime", st.one_of(st.datetimes().map(lambda at: at.isoformat() + "Z"), TEXT).map(nodes.String))
scalar(
    "Decimal",
    st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: nodes.String(format(number, "f"))),
        st.integers().map(nodes.Int),
        TEXT.map(nodes.String),
    ),
)
JSON = st.recursive(
    st.one_of(st.booleans().map(nodes.Boolean), st.integers().map(nodes.Int), TEXT.map(nodes.String)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(nodes.List),
        st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), inner, max_size=4).map(
            lambda fields: nodes.Object(
                [graphql.ObjectFieldNode(name=graphql.NameNode(value=name), value=value) for name, value in fields.items()]
            )
        ),
    ),
    max_leaves=8,
)
scalar("JSON", JSON)


@schemathesis.check
def no_server_error(ctx, response, case):
    """Fails on a 5xx status, on an INTERNAL_SERVER_ERROR, and on a GraphQL error without a code."""
    assert response.status_code < 500, f"HTTP {response.status_code}"
    for error in response.json().get("errors") or []:
        code = error.get("extensions", {}).get("code")
        assert code is not None, f"an error without a code: {error}"
        assert code != "INTERNAL_SERVER_ERROR", error
