-- The five join questions of db-benchmark, each counted and summed.

-- name: j1
SELECT COUNT(*), SUM(v1), SUM(v2) FROM {x} JOIN {small} ON x.id1 = small.id1

-- name: j2
SELECT COUNT(*), SUM(v1), SUM(v2) FROM {x} JOIN {medium} ON x.id2 = medium.id2

-- name: j3
SELECT COUNT(*), SUM(v1), SUM(v2) FROM {x} LEFT JOIN {medium} ON x.id2 = medium.id2

-- name: j4
SELECT COUNT(*), SUM(v1), SUM(v2) FROM {x} JOIN {medium} ON x.id5 = medium.id5

-- name: j5
SELECT COUNT(*), SUM(v1), SUM(v2) FROM {x} JOIN {big} ON x.id3 = big.id3
