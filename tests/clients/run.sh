#!/bin/sh
# Clients that were written for ksqlDB, unchanged, against a sluice server on 127.0.0.1.  Installs them from npm and PyPI into a folder of
# its own (CLIENTS, default build/clients), so it needs node, npm and python3 with venv.  Prints "N passed, N failed".
#
#   tests/clients/run.sh [PROGRAM]        default build/sluice
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sluice=$(realpath "${1:-build/sluice}")
place=${CLIENTS:-build/clients}
mkdir -p "$place"
place=$(realpath "$place")

for tool in node npm python3 curl; do
	command -v $tool >/dev/null || { echo "clients: skipped: there is no $tool"; echo "0 passed, 0 failed"; exit 0; }
done
cd "$place"
[ -f package.json ] || npm init -y >/dev/null
[ -d node_modules/ksqldb-client ] && [ -d node_modules/ws ] && [ -d node_modules/@cubejs-backend/ksql-driver ] ||
	npm install --no-audit --no-fund --ignore-scripts --loglevel=error ksqldb-client@1 ws@8 @cubejs-backend/ksql-driver@1 >/dev/null
[ -d venv ] || python3 -m venv venv
venv/bin/python -c "import ksql" 2>/dev/null || {
	# Its setup wants pip's own modules.
	venv/bin/pip install -q setuptools wheel
	venv/bin/pip install -q --no-build-isolation ksql
}

data=$(mktemp -d)
trap 'kill $server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$data"' EXIT INT TERM
"$sluice" server --data "$data/d" --listen http://127.0.0.1:0 2>"$data/log" &
server=$!
port=
for _ in $(seq 100); do
	port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' "$data/log" | head -1)
	[ -n "$port" ] && curl -s "http://127.0.0.1:$port/healthcheck" | grep -q READY && break
	sleep 0.1
done
[ -n "$port" ] || { echo "the server did not start:"; cat "$data/log"; exit 1; }

passed=0
failed=0
count() {
	if "$@" >"$data/out" 2>&1; then
		passed=$((passed + 1))
		echo "ok   $1 $(basename "$2")"
	else
		failed=$((failed + 1))
		echo "FAIL $1 $(basename "$2")"
		sed 's/^/     /' "$data/out"
	fi
}
export NODE_PATH="$place/node_modules"
count node "$here/ksqldb_client.js" "$port"
count node "$here/websocket.js" "$port"
count node "$here/cube_driver.js" "$port"
count venv/bin/python "$here/python_ksql.py" "$port"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
