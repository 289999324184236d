/* From the logical tree to operators. */
#include "common/hash.h"
#include "planner/logical.h"

/* Ids of filters over tables, and of the sink: beyond all others. */
enum { SINK_ID = (1 << 28) - 1, FILTER_IDS = 1 << 28 };

typedef struct Builder {
	Arena	  *arena;
	bool	   is_bounded;
	bool	   wants_headers;
	int		   next_id;
	int		   n_sources, sources_capacity;
	PlanNode **sources;
} Builder;

static const OpType *
op_of(LogicalKind kind)
{
	switch (kind) {
	case LOGICAL_SCAN:
		return &op_scan;
	case LOGICAL_FILTER:
		return &op_filter;
	case LOGICAL_PROJECT:
		return &op_project;
	case LOGICAL_FLAT_MAP:
		return &op_flat_map;
	case LOGICAL_EXCHANGE:
		return &op_exchange;
	case LOGICAL_MATERIALISE:
		return &op_materialise;
	case LOGICAL_EXPIRE:
		return &op_expire;
	case LOGICAL_AGGREGATE:
		return &op_aggregate;
	case LOGICAL_JOIN_HASH:
		return &op_join_hash;
	case LOGICAL_JOIN_ASOF:
		return &op_join_asof;
	case LOGICAL_JOIN_WINDOW:
		return &op_join_window;
	case LOGICAL_JOIN_STREAM_TABLE:
		return &op_join_stream_table;
	case LOGICAL_JOIN_TABLE_TABLE:
		return &op_join_table_table;
	case LOGICAL_JOIN_FOREIGN:
		return &op_join_foreign;
	case LOGICAL_JOIN_SEMI:
		return &op_join_semi;
	case LOGICAL_WINDOW_FUNCTION:
		return &op_window_function;
	case LOGICAL_SORT:
		return &op_sort;
	case LOGICAL_TOP_N:
		return &op_top_n;
	case LOGICAL_LIMIT:
		return &op_limit;
	case LOGICAL_DISTINCT:
		return &op_distinct;
	case LOGICAL_SET:
		return &op_set_op;
	case LOGICAL_UNION:
		return &op_union;
	case LOGICAL_SINK:
		return &op_sink;
	case LOGICAL_RESULT:
		return &op_result;
	case LOGICAL_KEEP:
		return &op_keep;
	}
	return NULL;
}

/* A scan's spec is still open: its own line. */
static void
print_node(const Logical *node, int depth, StrBuf *out)
{
	strbuf_add_repeat(out, ' ', (size_t)depth * 2);
	if (node->kind == LOGICAL_SCAN) {
		const LogicalScan *scan = node->spec;

		strbuf_printf(out, "Scan [from: %s]", scan->name != NULL ? scan->name : "values");
	} else
		spec_explain(op_of(node->kind), node->spec, out);
	strbuf_add_text(out, " -> ");
	for (int i = 0; i < node->n_columns; i++)
		strbuf_printf(out, "%s%s%s", i > 0 ? ", " : "", node->columns[i].name != NULL ? node->columns[i].name : "?", i < node->n_key ? " (key)" : "");
	strbuf_add_char(out, '\n');
	for (int i = 0; i < node->n_inputs; i++)
		print_node(logical_input(node, i), depth + 1, out);
}

void
logical_print(const Logical *root, StrBuf *out)
{
	print_node(root, 0, out);
}

/* A topic that is read twice is two inputs, each with a position of its own. */
static const char *
input_name(const Builder *b, const char *name)
{
	int n = 1;

	for (int i = 0; i < b->n_sources; i++)
		n += name != NULL && strcmp(((const ScanSpec *)b->sources[i]->spec)->source->name, name) == 0;
	return n == 1 ? name : arena_printf(b->arena, "%s#%d", name, n);
}

static const ScanSpec *
scan_spec(Builder *b, const Logical *node)
{
	const LogicalScan *in = node->spec;
	ScanSpec		  *spec = arena_new(b->arena, ScanSpec);
	SourceSpec		  *source = arena_new(b->arena, SourceSpec);
	int				  *index = arena_array(b->arena, int, node->n_columns + 1);
	PseudoColumn	  *pseudo = arena_array(b->arena, PseudoColumn, node->n_columns + 1);
	int				   n = 0, n_pseudo = 0;

	for (int i = 0; i < node->n_columns; i++) {
		if (in->columns[i].source_index >= 0)
			index[n++] = in->columns[i].source_index;
		else {
			pseudo[n_pseudo++] = in->columns[i].pseudo;
			if (in->columns[i].pseudo.kind == PSEUDO_HEADERS || in->columns[i].pseudo.kind == PSEUDO_HEADER)
				source->wants_headers = true;
		}
	}
	source->kind = in->is_state ? SOURCE_TABLE_STATE : in->file != NULL ? SOURCE_FILE : in->topic != NULL ? SOURCE_TOPIC : SOURCE_VALUES;
	source->name = in->name;
	source->input = input_name(b, in->name);
	source->n_columns = n;
	source->columns = node->columns;
	source->source_index = index;
	source->n_key = node->n_key;
	source->wants_headers |= b->wants_headers && source->kind == SOURCE_TOPIC;
	source->topic = in->topic;
	source->file = in->file;
	source->values = in->values;
	source->n_values = in->n_values;
	source->table_name = in->is_state ? in->source->name : NULL;
	source->n_ranges = in->n_ranges;
	source->ranges = in->ranges;
	source->n_bounds = in->n_bounds;
	source->bounds = in->bounds;
	source->from_latest = in->from_latest;
	spec->source = source;
	spec->alias = in->alias;
	spec->is_table = node->is_table && !in->is_state && in->kept == NULL;
	spec->n_key = node->n_key;
	spec->n_pseudo = n_pseudo;
	spec->pseudo = pseudo;
	spec->timestamp = in->is_state ? NULL : in->timestamp;
	spec->fail_on_bad_time = in->fail_on_bad_time;
	spec->n_join_filters = in->n_join_filters;
	spec->join_filters = in->join_filters;
	spec->recursive = in->recursive;
	spec->is_working = in->is_working;
	spec->kept = in->kept != NULL ? &in->kept->spec : NULL;
	return spec;
}

static void
add_source(Builder *b, PlanNode *scan)
{
	if (b->n_sources == b->sources_capacity) {
		int		   grown = b->sources_capacity > 0 ? 2 * b->sources_capacity : 8;
		PlanNode **sources = arena_array(b->arena, PlanNode *, grown);

		if (b->n_sources > 0)
			memcpy(sources, b->sources, sizeof *sources * (size_t)b->n_sources);
		b->sources = sources;
		b->sources_capacity = grown;
	}
	b->sources[b->n_sources++] = scan;
}

static void
add_recursive_sources(Builder *b, const RecursiveSpec *spec)
{
	const Plan *plans[2] = {spec->base, spec->step};

	for (int p = 0; p < 2; p++)
		for (int i = 0; i < plans[p]->n_sources; i++)
			add_source(b, plans[p]->sources[i]);
}

static PlanNode *
build(Builder *b, const Logical *node)
{
	PlanNode  *out = arena_new(b->arena, PlanNode);
	PlanNode **inputs = arena_array(b->arena, PlanNode *, node->n_inputs + 1);
	Schema	  *schema = arena_new(b->arena, Schema);

	for (int i = 0; i < node->n_inputs; i++)
		inputs[i] = build(b, logical_input(node, i));
	schema->n_columns = node->n_columns;
	schema->n_key = node->n_key;
	schema->columns = node->columns;
	out->op = op_of(node->kind);
	out->spec = node->spec;
	out->n_inputs = node->n_inputs;
	out->inputs = inputs;
	out->schema = schema;
	out->estimated_rows = node->estimated_rows;
	out->id = b->next_id++;
	switch (node->kind) {
	case LOGICAL_SCAN:
		out->spec = scan_spec(b, node);
		add_source(b, out);
		/* What its branches read is waited for as what the plan itself reads. */
		if (((const LogicalScan *)node->spec)->recursive != NULL && !((const LogicalScan *)node->spec)->is_working)
			add_recursive_sources(b, ((const LogicalScan *)node->spec)->recursive);
		break;
	case LOGICAL_FILTER:
		/* Bounded plans handle rows, not changes. */
		if (b->is_bounded)
			((FilterSpec *)node->spec)->is_table = false;
		break;
	case LOGICAL_EXPIRE: {
		ExpireSpec	 *spec = node->spec;
		const Type	**types = arena_array(b->arena, const Type *, node->n_columns + 1);

		for (int i = 0; i < node->n_columns; i++)
			types[i] = node->columns[i].type;
		spec->n_columns = node->n_columns;
		spec->types = types;
		break;
	}
	default:
		break;
	}
	return out;
}

/*
 * Ids name durable state: operators with state are numbered by themselves, so that a filter or projection more leaves
 * the others' state in its place when a query is replaced.  A filter of a table goes by its condition: with another one
 * it knows of no rows that passed, as in ksqlDB.
 */
static bool
keeps_state(const PlanNode *node)
{
	return node->op == &op_aggregate || node->op == &op_join_window || node->op == &op_join_stream_table ||
		   node->op == &op_join_table_table || node->op == &op_join_foreign || node->op == &op_join_semi || node->op == &op_top_n ||
		   node->op == &op_distinct || node->op == &op_materialise || node->op == &op_expire;
}

static bool
is_table_filter(const PlanNode *node)
{
	return node->op == &op_filter && ((const FilterSpec *)node->spec)->is_table;
}

static void
number(PlanNode *node, bool stateful, int *next)
{
	for (int i = 0; i < node->n_inputs; i++)
		number(node->inputs[i], stateful, next);
	if (is_table_filter(node)) {
		StrBuf buf = {0};

		if (!stateful)
			return;
		expr_print(((const FilterSpec *)node->spec)->condition, &buf);
		node->id = FILTER_IDS + (int)(hash_bytes(strbuf_text(&buf), buf.length) & 0xffffff) * 16 + (*next)++ % 16;
		strbuf_free(&buf);
		return;
	}
	if (node->op == &op_sink)
		node->id = SINK_ID;
	else if (keeps_state(node) == stateful)
		node->id = (*next)++;
}

Status
physical_plan(Arena *arena, Logical *root, bool is_bounded, Plan **out, Error *err)
{
	Builder b = {.arena = arena, .is_bounded = is_bounded, .wants_headers = !is_bounded && root->kind == LOGICAL_SINK};
	Plan   *plan = arena_new(arena, Plan);

	(void)err;
	plan->root = build(&b, root);
	b.next_id = 0;
	number(plan->root, true, &b.next_id);
	number(plan->root, false, &b.next_id);
	plan->is_bounded = is_bounded;
	plan->schema = plan->root->schema;
	plan->result_is_table = root->is_table;
	plan->is_windowed = root->window.kind != WINDOW_NONE;
	plan->window = root->window;
	plan->n_sources = b.n_sources;
	plan->sources = b.sources;
	*out = plan;
	return OK;
}

/* ---- fingerprint: the shape of what keeps state ---- */

static uint64_t
hash_schema(const Schema *schema, uint64_t h)
{
	StrBuf buf = {0};

	schema_print(schema, &buf);
	h = hash_combine(h, hash_bytes(strbuf_text(&buf), buf.length));
	strbuf_free(&buf);
	return h;
}

static uint64_t
fingerprint(const PlanNode *node, uint64_t h)
{
	bool is_stateful = is_table_filter(node) || keeps_state(node);

	for (int i = 0; i < node->n_inputs; i++)
		h = fingerprint(node->inputs[i], h);
	if (!is_stateful)
		return h;
	h = hash_combine(h, hash_bytes(node->op->name, strlen(node->op->name)));
	h = hash_combine(h, (uint64_t)node->id);
	h = hash_combine(h, node->op->state_version);
	h = hash_schema(node->schema, h);
	for (int i = 0; i < node->n_inputs; i++)
		h = hash_schema(node->inputs[i]->schema, h);
	if (node->op == &op_aggregate) {
		const AggregateSpec *spec = node->spec;
		StrBuf				 buf = {0};

		if (spec->window.kind != WINDOW_NONE)
			window_print(&spec->window, &buf);
		for (int i = 0; i < spec->n_items; i++)
			strbuf_printf(&buf, "%s%s %u%s%s;", spec->items[i].function->name, spec->items[i].function->signature,
						  spec->items[i].function->state_size, spec->items[i].distinct ? " DISTINCT" : "",
						  spec->items[i].n_order_by > 0 ? " ORDER BY" : "");
		h = hash_combine(h, hash_bytes(strbuf_text(&buf), buf.length));
		strbuf_free(&buf);
	}
	return h;
}

uint64_t
plan_fingerprint(const Plan *plan)
{
	return fingerprint(plan->root, 0x51u);
}
