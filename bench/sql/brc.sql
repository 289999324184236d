-- The one billion row challenge, on as many rows as the scale says, and counting rows of CSV.

-- name: stations
SELECT station, MIN(temperature) AS low, AVG(temperature) AS mean, MAX(temperature) AS high FROM {stations} GROUP BY station ORDER BY station

-- name: count
SELECT COUNT(*) FROM {stations}

-- name: count_lineitem
SELECT COUNT(*) FROM {lineitem}
