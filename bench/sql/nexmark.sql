-- Nexmark's events as JSON lines.  What stands under "name, duckdb" is the same question where its dialect has no word for it.

-- name: count
SELECT COUNT(*) FROM {bids}

-- name: group
SELECT COUNT(*), SUM(n), MAX(n) FROM (SELECT auction, COUNT(*) AS n FROM {bids} GROUP BY auction) AS g

-- name: tumble
SELECT WINDOWSTART, COUNT(*) AS n FROM {bids timestamp=dateTime} WINDOW TUMBLING (SIZE 10 SECONDS) ORDER BY WINDOWSTART

-- name: tumble, duckdb
SELECT dateTime // 10000 * 10000 AS began, COUNT(*) AS n FROM {bids} GROUP BY began ORDER BY began

-- name: tumble_auction
SELECT COUNT(*), SUM(n), MAX(top)
FROM (SELECT auction, COUNT(*) AS n, MAX(price) AS top FROM {bids timestamp=dateTime} WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY auction) AS g

-- name: tumble_auction, duckdb
SELECT COUNT(*), SUM(n), MAX(top)
FROM (SELECT auction, dateTime // 10000 AS began, COUNT(*) AS n, MAX(price) AS top FROM {bids} GROUP BY auction, began) AS g

-- name: filter
SELECT COUNT(*), SUM(auction), SUM(price) FROM {bids} WHERE auction % 123 = 0

-- name: channel
SELECT channel, COUNT(*) AS n, SUM(price) AS total, MAX(price) AS top
FROM {bids}
WHERE url LIKE '%channel_id%'
GROUP BY channel
ORDER BY n DESC, channel
LIMIT 20

-- name: columns
SELECT COUNT(*), SUM(auction), SUM(bidder), SUM(price), MAX(dateTime), SUM(LENGTH(channel)) FROM {bids}

-- name: nested
SELECT COUNT(*), SUM(n), MAX(n)
FROM (SELECT bid->auction AS auction, COUNT(*) AS n FROM {events} WHERE event_type = 2 GROUP BY bid->auction) AS g

-- name: nested, duckdb
SELECT COUNT(*), SUM(n), MAX(n)
FROM (SELECT bid.auction AS auction, COUNT(*) AS n FROM {events} WHERE event_type = 2 GROUP BY bid.auction) AS g
