/* The rewrites in their order. */
#include "planner/logical.h"

Logical *
logical_rewrite(RewriteContext *context, Logical *root)
{
	context->derives = true;
	root = rewrite_push_filters(context, root);
	context->derives = false;
	root = rewrite_join_simplify(context, root);
	root = rewrite_join_order(context, root);
	root = rewrite_push_filters(context, root);
	root = rewrite_key_lookup(context, root);
	root = rewrite_scan_bounds(context, root);
	root = rewrite_prune(context, root);
	root = rewrite_first_rows(context, root);
	root = rewrite_distinct(context, root);
	root = rewrite_join_sides(context, root);
	root = rewrite_join_filters(context, root);
	return root;
}
