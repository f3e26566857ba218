#!/bin/sh
# An order with curl: log in as the demo's alice, buy one lot of the first IF contract, read the answer.
# Run it beside `make up`; OUTCRY_DATA names the data folder if it is not ./data.
set -eu
run="${OUTCRY_DATA:-data}/run.json"
# Reads JSON on stdin and prints an expression of it; any JSON tool does.
json() { python3 -c "import json, sys; j = json.load(sys.stdin); print($1)"; }
web=$(json 'j["web"]' < "$run")
password=$(json 'next(u["password"] for u in j["users"] if u["username"] == "alice")' < "$run")

token=$(curl -sS "$web/api/auth/login" -H 'Content-Type: application/json' \
  -d "{\"username\": \"alice\", \"password\": \"$password\"}" | json 'j["data"]["token"]')

contract=$(curl -sS "$web/api/market/instruments" -H "Authorization: Bearer $token" |
  json 'next(c["instrument_id"] for c in j["data"] if c["product_id"] == "IF")')
price=$(curl -sS "$web/api/market/tick/$contract" -H "Authorization: Bearer $token" |
  json 'j["data"]["upper_limit"]')

curl -sS "$web/api/order/submit" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
  -d "{\"instrument_id\": \"$contract\", \"direction\": \"BUY\", \"offset\": \"OPEN\", \"order_type\": \"LIMIT\",
       \"price\": $price, \"volume\": 1}"
echo
