#!/bin/sh
# Shows what sluice does, in under a minute.  `make demo` runs it.
here=$(cd "$(dirname "$0")" && pwd)
sluice=${SLUICE:-$here/../build/sluice}
work=$(mktemp -d) || exit 1
generator=
trap '[ -n "$generator" ] && kill "$generator" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
if [ -t 1 ]; then bold=$(printf '\033[1m') blue=$(printf '\033[34m') plain=$(printf '\033[0m'); else bold= blue= plain=; fi

say() {
	printf '\n%s-- %s%s\n' "$blue" "$1" "$plain"
}

# Each statement is shown, then run.
run() {
	printf '%s%s%s\n' "$bold" "$1" "$plain"
	"$sluice" --output table --data "$work/data" -c "$1" || exit 1
}

cd "$here/data" || exit 1

say "Files are tables. What is in this one?"
run "DESCRIBE 'measurements.csv';"
run "SELECT station, MIN(temp) AS low, ROUND(AVG(temp), 1) AS mean, MAX(temp) AS high
  FROM 'measurements.csv' GROUP BY station ORDER BY mean DESC;"

say "JSON lines too, nested as they are; and CSV joined with JSON"
run "SELECT i->sku AS sku, SUM(i->n) AS sold
  FROM (SELECT EXPLODE(items) AS i FROM 'orders.jsonl') GROUP BY i->sku ORDER BY sold DESC;"
run "SELECT o.customer->city AS city, COUNT(*) AS orders, ROUND(SUM(o.price), 2) AS total, ROUND(AVG(m.temp), 1) AS mean_temp
  FROM 'orders.jsonl' o
  JOIN (SELECT station, AVG(temp) AS temp FROM 'measurements.csv' GROUP BY station) m ON m.station = o.customer->city
  GROUP BY o.customer->city ORDER BY total DESC LIMIT 3;"

say "Somebody writes page views into a file, 40 a second, while we look (sluice datagen pageviews --rate 40)"
views=$work/pageviews.jsonl
: >"$views"
"$sluice" datagen pageviews --rate 40 --output "$views" &
generator=$!

say "A stream that follows that file, and a table that a query keeps up to date"
run "CREATE STREAM pageviews (viewtime BIGINT, userid STRING, pageid STRING)
  WITH (PATH='$views', FORMAT='JSON', TIMESTAMP='viewtime', FOLLOW=true);"
run "CREATE TABLE views_per_user AS
  SELECT userid, COUNT(*) AS views, LATEST_BY_OFFSET(pageid) AS last_page
  FROM pageviews WINDOW TUMBLING (SIZE 2 SECONDS) GROUP BY userid;"

say "Its changes as they happen (the first 80)"
run "SELECT userid, WINDOWSTART, views, last_page FROM views_per_user EMIT CHANGES LIMIT 80;"

say "And a look-up of the table, from another process: the query went on from where it had committed"
run "SELECT userid, WINDOWSTART, WINDOWEND, views, last_page FROM views_per_user WHERE userid = 'User_1';"

say "That is all. Open the shell with:  build/sluice   (and type help)"
