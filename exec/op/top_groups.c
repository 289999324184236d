#include "exec/op/top_groups.h"

typedef unsigned __int128 Word;		/* rank, then prefix */

/* What a group keeps behind its keys: a heap of which the root is the greatest. */
typedef struct Heap {
	uint64_t n;
	uint64_t unused;
	Word	 words[];
} Heap;

void
top_groups_init(TopGroups *top, Op *op, int n_rows, const Expr *const *partition, int n_partition)
{
	const Type **types = arena_array(&op->arena, const Type *, n_partition + 1);

	for (int k = 0; k < n_partition; k++)
		types[k] = partition[k]->type;
	*top = (TopGroups){.n_rows = n_rows, .n_partition = n_partition};
	group_table_init(&top->table, &op->arena, types, n_partition, (uint32_t)(sizeof(Heap) + sizeof(Word) * (size_t)n_rows),
					 16, op_services(op)->budget);
}

void
top_groups_free(TopGroups *top)
{
	group_table_free(&top->table);
	top->n_rows = 0;
}

static void
sift_down(Heap *heap, uint64_t at)
{
	for (uint64_t child; (child = 2 * at + 1) < heap->n; at = child) {
		Word word = heap->words[at];

		child += child + 1 < heap->n && heap->words[child + 1] > heap->words[child];
		if (word >= heap->words[child])
			return;
		heap->words[at] = heap->words[child];
		heap->words[child] = word;
	}
}

static void
sift_up(Heap *heap, uint64_t at)
{
	for (uint64_t parent; at > 0 && heap->words[parent = (at - 1) / 2] < heap->words[at]; at = parent) {
		Word word = heap->words[at];

		heap->words[at] = heap->words[parent];
		heap->words[parent] = word;
	}
}

/* Whether a row with that word can be among the first n. */
static inline bool
offer(Heap *heap, uint64_t n, Word word)
{
	if (heap->n < n) {
		heap->words[heap->n] = word;
		sift_up(heap, heap->n++);
		return true;
	}
	if (word < heap->words[0]) {
		heap->words[0] = word;
		sift_down(heap, 0);
		return true;
	}
	return word == heap->words[0];
}

static void
find_words(const SortColumn *order, const Vector *values, int32_t n, Word *words, Arena *scratch)
{
	uint64_t *prefixes = arena_alloc(scratch, sizeof *prefixes * (size_t)(n + 1));
	uint8_t	 *ranks = arena_alloc(scratch, (size_t)(n + 1));

	sort_prefixes(order, values, n, prefixes, ranks);
	for (int32_t i = 0; i < n; i++)
		words[i] = (Word)ranks[i] << 64 | prefixes[i];
}

static int32_t
all_rows(uint32_t *rows, int32_t n)
{
	for (int32_t i = 0; i < n; i++)
		rows[i] = (uint32_t)i;
	return n;
}

int32_t
top_groups_select(TopGroups *top, const Vector *const *partition, const SortColumn *order, const Vector *values, int32_t n,
				  uint32_t *rows, Arena *scratch)
{
	KeySlot **slots = arena_alloc(scratch, sizeof *slots * (size_t)(top->n_partition + 1));
	uint32_t *hashes = arena_alloc(scratch, sizeof *hashes * (size_t)(n + 1));
	Group	**groups = arena_alloc(scratch, sizeof *groups * (size_t)(n + 1));
	Word	 *words = arena_calloc(scratch, sizeof *words * (size_t)(n + 1));
	int32_t	  n_new, kept = 0;
	Error	  ignored;

	if (top->n_rows == 0)
		return all_rows(rows, n);
	for (int k = 0; k < top->n_partition; k++) {
		slots[k] = arena_alloc(scratch, sizeof **slots * (size_t)(n + 1));
		key_slots(partition[k], n, slots[k], scratch);
	}
	group_table_hash(&top->table, slots, n, hashes);
	if (group_table_find(&top->table, slots, hashes, n, groups, rows, &n_new, &ignored) == FAILED) {
		top_groups_free(top);
		return all_rows(rows, n);
	}
	if (values != NULL)
		find_words(order, values, n, words, scratch);
	for (int32_t i = 0; i < n; i++) {
		Heap *heap = (Heap *)(void *)((char *)groups[i] + top->table.state_offset);
		bool  is_full = heap->n == (uint64_t)top->n_rows;

		/* without an order any n rows will do */
		if (offer(heap, (uint64_t)top->n_rows, words[i]) && !(values == NULL && is_full))
			rows[kept++] = (uint32_t)i;
	}
	return kept;
}
