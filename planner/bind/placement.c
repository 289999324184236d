/*
 * In which partition the rows of a key are.  Two inputs may meet by key, or a group be counted, only where all rows of a key
 * come to the same instance: topics with equal partition counts and key formats, or rows that an exchange has brought there.
 */
#include "io/format.h"
#include "planner/bind/bind.h"

typedef struct Placement {
	bool		is_known;
	bool		is_exchanged;		/* by the bytes of the key as JSON */
	const FormatSpec *key;			/* of a topic */
	const char *format;				/* of its keys */
	int			n_partitions;
} Placement;

static bool
keeps_key(const Logical *project)
{
	const ProjectSpec *spec = project->spec;

	if (project->n_key != project->inputs[0]->n_key)
		return false;
	for (int k = 0; k < project->n_key; k++)
		if (spec->columns[k]->kind != EXPR_COLUMN || spec->columns[k]->index != k)
			return false;
	return true;
}

static bool
same_placement(Placement a, Placement b)
{
	if (!a.is_known || !b.is_known || a.is_exchanged != b.is_exchanged)
		return false;
	return a.is_exchanged || (a.n_partitions == b.n_partitions && (a.n_partitions == 1 || strcmp(a.format, b.format) == 0));
}

static Placement
placement_of(const Logical *node)
{
	Placement first;

	switch (node->kind) {
	case LOGICAL_SCAN: {
		const LogicalScan *scan = node->spec;

		if (scan->topic == NULL)
			return (Placement){.is_known = true, .format = "", .n_partitions = 1};
		return (Placement){.is_known = true, .key = &scan->topic->key, .format = scan->topic->key.format->name,
						   .n_partitions = scan->topic->n_partitions};
	}
	case LOGICAL_EXCHANGE:
		if (((const ExchangeSpec *)node->spec)->null_keys == NULL_KEYS_MOVE)
			return placement_of(node->inputs[0]);
		if (((const ExchangeSpec *)node->spec)->n_partitions > 0) {
			const ExchangeSpec *spec = node->spec;

			return (Placement){.is_known = true, .key = spec->key, .format = spec->key->format->name, .n_partitions = spec->n_partitions};
		}
		return (Placement){.is_known = true, .is_exchanged = true};
	case LOGICAL_PROJECT:
		return keeps_key(node) ? placement_of(node->inputs[0]) : (Placement){0};
	case LOGICAL_UNION:
		first = placement_of(logical_input(node, 0));
		for (int i = 1; i < node->n_inputs; i++)
			first.is_known = same_placement(first, placement_of(logical_input(node, i)));
		return first;
	default:
		return node->n_inputs > 0 ? placement_of(node->inputs[0]) : (Placement){0};
	}
}

bool
rows_are_placed(const Logical *node)
{
	return placement_of(node).is_known;
}

bool
rows_are_placed_alike(const Logical *a, const Logical *b)
{
	return same_placement(placement_of(a), placement_of(b));
}

bool
exchange_follows(Logical *exchange, const Logical *other)
{
	Placement	  place = placement_of(other);
	ExchangeSpec *spec = exchange->spec;
	FormatSpec	 *key = (FormatSpec *)spec->key;

	/* Bytes of registry formats carry the id of a schema, which need not be the topic's. */
	if (!place.is_known || place.is_exchanged || place.key == NULL || place.key->n_columns != spec->n_key
		|| (place.key->format->flags & FORMAT_REGISTRY) != 0)
		return false;
	*key = *place.key;
	key->columns = exchange->columns;
	key->subject = NULL;
	spec->n_partitions = place.n_partitions;
	return true;
}

Logical *
exchange_by_key(Arena *arena, Logical *input, NullKeys null_keys)
{
	Logical		 *exchange = logical_new(arena, LOGICAL_EXCHANGE, input);
	ExchangeSpec *spec = arena_new(arena, ExchangeSpec);
	FormatSpec	 *format = arena_new(arena, FormatSpec);

	format->format = format_find(STR("JSON"));
	format->n_columns = input->n_key;
	format->columns = input->columns;
	format->is_key = true;
	spec->n_key = input->n_key;
	spec->key = format;
	spec->null_keys = null_keys;
	exchange->spec = spec;
	return exchange;
}
