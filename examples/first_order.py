"""An order in ten lines: log in as the demo's alice, buy one lot of the first IF contract, read the answer.
Run it beside `make up`; OUTCRY_DATA names the data folder if it is not ./data."""

import json
import os
import urllib.request

run = json.load(open(os.environ.get("OUTCRY_DATA", "data") + "/run.json"))
alice = next(user for user in run["users"] if user["username"] == "alice")
headers = {"Content-Type": "application/json"}
def ask(path, body=None):
    request = urllib.request.Request(run["web"] + path, body and json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request))["data"]
headers["Authorization"] = "Bearer " + ask("/api/auth/login", {k: alice[k] for k in ("username", "password")})["token"]
contract = next(c for c in ask("/api/market/instruments") if c["product_id"] == "IF")
print(ask("/api/order/submit", {"instrument_id": contract["instrument_id"], "direction": "BUY", "offset": "OPEN",
                                "order_type": "LIMIT", "price": contract["upper_limit"], "volume": 1}))
