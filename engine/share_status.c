/* What a share tells of itself. */
#include "engine/share_status.h"

static void
explain_copy(void *context, const StandbyCopy *copy)
{
	strbuf_printf(context, "Stands by for %s/%d: at %lld of %lld\n", copy->changelog, copy->partition, (long long)copy->position,
				  (long long)copy->end);
}

void
share_explain(const Query *query, StrBuf *text)
{
	if (query->share == NULL)
		return;
	if (query->restored_tasks > 0)
		strbuf_printf(text, "Took over the state of %lld tasks: %lld changes were read in %lld ms\n", (long long)query->restored_tasks,
					  (long long)query->restored_records, (long long)(query->restore_nanos / 1000000));
	if (query->epochs > 0)
		strbuf_printf(text, "Committed %lld times, %lld us each\n", (long long)query->epochs, (long long)(query->commit_nanos / query->epochs / 1000));
	if (query->load_nanos > 0)
		strbuf_printf(text, "Its state was there in %lld ms\n", (long long)(query->load_nanos / 1000000));
	standby_visit(share_standby(query->share), explain_copy, text);
}

typedef struct CopySums {
	int		n;
	int64_t behind;
} CopySums;

static void
sum_copy(void *context, const StandbyCopy *copy)
{
	CopySums *sums = context;

	sums->n++;
	sums->behind += copy->end - copy->position;
}

const char *
share_standby_text(const Query *query, Arena *arena)
{
	CopySums sums = {0};

	if (query == NULL || query->share == NULL)
		return NULL;
	standby_visit(share_standby(query->share), sum_copy, &sums);
	return sums.n > 0 ? arena_printf(arena, "of %d partitions here, %lld offsets behind", sums.n, (long long)sums.behind) : NULL;
}

typedef struct CopyLists {
	Arena	  *arena;
	JsonValue *stores, *partitions;
	const char *last;
} CopyLists;

static void
list_copy(void *context, const StandbyCopy *copy)
{
	CopyLists *lists = context;
	JsonValue  item = json_object();

	/* Partitions of one changelog come together. */
	if (lists->last == NULL || strcmp(lists->last, copy->changelog) != 0) {
		lists->last = arena_strdup(lists->arena, copy->changelog);
		json_push(lists->arena, lists->stores, json_string(lists->last));
	}
	json_add(lists->arena, &item, "topic", json_string(lists->last));
	json_add(lists->arena, &item, "partition", json_int(lists->arena, copy->partition));
	json_push(lists->arena, lists->partitions, item);
}

void
share_list_standby(const Query *query, Arena *arena, JsonValue *stores, JsonValue *partitions)
{
	CopyLists lists = {.arena = arena, .stores = stores, .partitions = partitions};

	if (query != NULL && query->share != NULL)
		standby_visit(share_standby(query->share), list_copy, &lists);
}
