#!/bin/sh
# A first order with curl: log in as the demo's alice, bid for a thousandth of a bitcoin, read the order back.
# Run it beside `make up`, in the folder that holds `data`; python3 only takes the answers apart.
set -eu
json() { python3 -c "import json, sys; print(json.load(sys.stdin)$1)"; }
web=$(json '["web"]' < data/run.json)
password=$(json '["users"][1]["password"]' < data/run.json)      # the second user is alice
account=$(json '["users"][1]["account_ids"][0]' < data/run.json)

token=$(curl -s "$web/api/auth/login" -H 'Content-Type: application/json' \
  -d '{"username": "alice", "password": "'"$password"'"}' | json '["data"]["token"]')

order=$(curl -s "$web/api/order/submit" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d '{"account_id": "'"$account"'", "instrument_id": "BTC_USDT", "direction": "BUY",
       "price": "50000", "volume": "0.001"}' \
  | json '["data"]["order_id"]')

curl -s "$web/api/order/$order" -H "Authorization: Bearer $token"; echo
