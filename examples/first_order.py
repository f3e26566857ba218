"""A first order in ten lines: log in as the demo's alice, bid for one lot of rebar, read the order back.
Run it beside `make up`, in the folder that holds `data`; nothing but the standard library is needed."""

import json, urllib.request as http
web, users = (json.load(open("data/run.json"))[key] for key in ("web", "users"))
def call(path, body=None, token=""):
    head = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return json.load(http.urlopen(http.Request(web + path, body and json.dumps(body).encode(), head)))["data"]
token = call("/api/auth/login", {"username": "alice", "password": users[1]["password"]})["token"]
rebar = next(row for row in call("/api/market/instruments", token=token) if row["product_id"] == "rb")
wanted = {"account_id": users[1]["account_ids"][0], "instrument_id": rebar["instrument_id"],
          "direction": "BUY", "offset": "OPEN", "price": rebar["lower_limit"], "volume": 1}
print(call("/api/order/" + call("/api/order/submit", wanted, token)["order_id"], token=token))
