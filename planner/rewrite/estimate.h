#ifndef SLUICE_PLANNER_REWRITE_ESTIMATE_H
#define SLUICE_PLANNER_REWRITE_ESTIMATE_H

/*
 * Guesses of how many rows a node of a bounded plan gives, for choosing between plans that give the same rows: nothing but speed
 * depends on them.  Known are the rows of Parquet files (their footers) and the sizes of other files; conditions have the usual fixed
 * selectivities.
 */
#include "planner/logical.h"

/* The share of rows for which a condition holds, 0 to 1. */
double condition_selectivity(const Expr *e);

/*
 * Rows that a node gives, at least 1.  *base: how many its lowest relation (of a join: the probe side's) has without conditions,
 * which stands for the number of distinct values of its key.
 */
double logical_estimate(const Logical *node, double *base);

double estimate_at_least_one(double rows);

#endif
