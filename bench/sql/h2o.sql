-- The ten group-by questions of db-benchmark.  All but the two whose answer is small are counted and summed by an outer query, so that writing rows is not measured.

-- name: q01
SELECT id1, SUM(v1) AS v1 FROM {G1} GROUP BY id1 ORDER BY id1

-- name: q02
SELECT COUNT(*), SUM(v1) FROM (SELECT id1, id2, SUM(v1) AS v1 FROM {G1} GROUP BY id1, id2) AS g

-- name: q03
SELECT COUNT(*), SUM(v1), SUM(v3) FROM (SELECT id3, SUM(v1) AS v1, AVG(v3) AS v3 FROM {G1} GROUP BY id3) AS g

-- name: q04
SELECT id4, AVG(v1) AS v1, AVG(v2) AS v2, AVG(v3) AS v3 FROM {G1} GROUP BY id4 ORDER BY id4

-- name: q05
SELECT COUNT(*), SUM(v1), SUM(v2), SUM(v3) FROM (SELECT id6, SUM(v1) AS v1, SUM(v2) AS v2, SUM(v3) AS v3 FROM {G1} GROUP BY id6) AS g

-- name: q06
SELECT COUNT(*), SUM(middle), SUM(spread)
FROM (SELECT id4, id5, MEDIAN(v3) AS middle, STDDEV(v3) AS spread FROM {G1} GROUP BY id4, id5) AS g

-- name: q07
SELECT COUNT(*), SUM(range_v1_v2) FROM (SELECT id3, MAX(v1) - MIN(v2) AS range_v1_v2 FROM {G1} GROUP BY id3) AS g

-- name: q08
SELECT COUNT(*), SUM(v3)
FROM (
	SELECT id6, v3
	FROM (SELECT id6, v3, ROW_NUMBER() OVER (PARTITION BY id6 ORDER BY v3 DESC) AS place FROM {G1} WHERE v3 IS NOT NULL) AS placed
	WHERE place <= 2) AS g

-- A group in which all v1 are equal has no correlation, which is NULL for one engine and NaN for another: neither is added (only small scales have such).
-- name: q09
SELECT COUNT(*), SUM(CASE WHEN r2 <= 2 THEN r2 END) FROM (SELECT id2, id4, CORR(v1, v2) * CORR(v1, v2) AS r2 FROM {G1} GROUP BY id2, id4) AS g

-- name: q10
SELECT COUNT(*), SUM(v3), SUM(n)
FROM (SELECT id1, id2, id3, id4, id5, id6, SUM(v3) AS v3, COUNT(*) AS n FROM {G1} GROUP BY id1, id2, id3, id4, id5, id6) AS g
