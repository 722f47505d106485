"""Creates an organization at the given endpoint and prints its administrator's access token."""

import json
import sys
import urllib.request

MUTATION = """mutation { signUp(input: {organizationName: "Harbour", name: "Ada", email: "ada@harbour.example",
    password: "correct horse battery staple"}) { session { accessToken } userErrors { message } } }"""

request = urllib.request.Request(
    sys.argv[1],
    data=json.dumps({"query": MUTATION}).encode(),
    headers={"content-type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    print(json.load(response)["data"]["signUp"]["session"]["accessToken"])
