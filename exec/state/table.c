/*
 * The ordered map behind operators' state: a B+ tree whose leaves hold pointers to entries, with the first 8 bytes of
 * each key beside the pointer, so that most comparisons touch no entry.
 *
 * Removal does not rebalance: a node goes when it is empty.  The usual loads (time-ordered keys that come at one end and go at
 * the other, and keys that stay) leave no half-empty trees, and a rare sparse leaf costs only memory.
 *
 * Changes since the last flush are a list of entries.  A removed entry leaves the tree at once but stays in that list
 * until the backend has been told; a new entry of the same key is another entry, told after it.
 */
#include <stdlib.h>
#include <string.h>

#include "exec/state/state.h"

enum {
	NODE_MAX = 64,
	LEVELS_MAX = 16,
	RESERVE_STEP = 256 << 10,
};

typedef struct Entry {
	uint32_t key_length;
	uint32_t value_length;
	uint32_t value_capacity;
	bool	 is_dirty;			/* in the list of changes */
	bool	 is_removed;
	bool	 is_stored;			/* the backend has a row of this key */
	char	*value;				/* behind the key, or on its own once it has outgrown that place */
	char	 key[];
} Entry;

typedef struct Node {
	bool is_leaf;
	int	 n;
} Node;

typedef struct Leaf {
	Node		 node;
	struct Leaf *next;
	struct Leaf *previous;
	uint64_t	 prefix[NODE_MAX];
	Entry		*entry[NODE_MAX];
} Leaf;

/* bound[i] <= every key of child[i] (i > 0), and > every key of child[i - 1].  Bounds are copies: entries come and go. */
typedef struct Bound {
	char	*key;
	uint32_t length;
} Bound;

typedef struct Inner {
	Node	 node;
	uint64_t prefix[NODE_MAX];
	Bound	 bound[NODE_MAX];
	Node	*child[NODE_MAX];
} Inner;

struct StateTable {
	Node		 *root;			/* NULL: empty */
	int64_t		  n_entries;
	Entry		**dirty;
	size_t		  n_dirty;
	size_t		  dirty_capacity;
	StateBackend *backend;
	int			  op_id;
	int			  table;
	MemoryBudget *budget;
	const char	 *what;
	int64_t		  used_bytes;
	int64_t		  reserved_bytes;
};

/* ---- keys ---- */

static uint64_t
key_prefix(Str key)
{
	unsigned char bytes[8] = {0};
	uint64_t	  prefix;

	if (key.length > 0)
		memcpy(bytes, key.data, key.length < 8 ? key.length : 8);
	memcpy(&prefix, bytes, 8);
	return __builtin_bswap64(prefix);
}

static int
bytes_compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t n = a_length < b_length ? a_length : b_length;
	int	   order = n > 0 ? memcmp(a, b, n) : 0;

	return order != 0 ? order : a_length < b_length ? -1 : a_length > b_length;
}

/* First position of the leaf whose key is >= key. */
static int
leaf_lower_bound(const Leaf *leaf, Str key, uint64_t prefix)
{
	int low = 0, high = leaf->node.n;

	while (low < high) {
		int	 middle = (low + high) / 2;
		bool is_less;

		if (leaf->prefix[middle] != prefix)
			is_less = leaf->prefix[middle] < prefix;
		else
			is_less = bytes_compare(leaf->entry[middle]->key, leaf->entry[middle]->key_length, key.data, key.length) < 0;
		if (is_less)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The child that a key belongs to: the last one whose bound is <= key. */
static int
inner_child(const Inner *inner, Str key, uint64_t prefix)
{
	int low = 1, high = inner->node.n;

	while (low < high) {
		int	 middle = (low + high) / 2;
		bool is_above;

		if (inner->prefix[middle] != prefix)
			is_above = inner->prefix[middle] > prefix;
		else
			is_above = bytes_compare(inner->bound[middle].key, inner->bound[middle].length, key.data, key.length) > 0;
		if (is_above)
			high = middle;
		else
			low = middle + 1;
	}
	return low - 1;
}

static Leaf *
table_find_leaf(const StateTable *table, Str key, uint64_t prefix)
{
	Node *node = table->root;

	while (node != NULL && !node->is_leaf)
		node = ((Inner *)node)->child[inner_child((Inner *)node, key, prefix)];
	return (Leaf *)node;
}

static Entry *
table_find(const StateTable *table, Str key)
{
	uint64_t prefix = key_prefix(key);
	Leaf	*leaf = table_find_leaf(table, key, prefix);
	int		 at;

	if (leaf == NULL)
		return NULL;
	at = leaf_lower_bound(leaf, key, prefix);
	if (at == leaf->node.n || leaf->prefix[at] != prefix ||
		bytes_compare(leaf->entry[at]->key, leaf->entry[at]->key_length, key.data, key.length) != 0)
		return NULL;
	return leaf->entry[at];
}

/* ---- memory ---- */

static Status
table_use(StateTable *table, int64_t more_bytes, Error *err)
{
	int64_t missing = table->used_bytes + more_bytes - table->reserved_bytes;

	if (table->budget != NULL && missing > 0) {
		int64_t step = missing > RESERVE_STEP ? missing : RESERVE_STEP;

		TRY(budget_reserve(table->budget, step, table->what, err));
		table->reserved_bytes += step;
	}
	table->used_bytes += more_bytes;
	return OK;
}

static void
table_unuse(StateTable *table, int64_t bytes)
{
	int64_t spare;

	table->used_bytes -= bytes;
	spare = table->reserved_bytes - table->used_bytes;
	if (table->budget != NULL && spare > 4 * RESERVE_STEP) {
		budget_release(table->budget, spare - RESERVE_STEP);
		table->reserved_bytes -= spare - RESERVE_STEP;
	}
}

static char *
entry_inline_value(Entry *entry)
{
	return entry->key + entry->key_length;
}

static int64_t
entry_bytes(uint32_t key_length, uint32_t value_capacity)
{
	/* 24: its share of the leaf and of the allocator. */
	return (int64_t)sizeof(Entry) + key_length + value_capacity + 24;
}

static Entry *
entry_new(Str key, Str value)
{
	uint32_t capacity = (uint32_t)((value.length + 7) & ~(size_t)7);
	Entry	*entry = xmalloc(sizeof *entry + key.length + capacity);

	*entry = (Entry){.key_length = (uint32_t)key.length,
					 .value_length = (uint32_t)value.length,
					 .value_capacity = capacity};
	if (key.length > 0)
		memcpy(entry->key, key.data, key.length);
	entry->value = entry_inline_value(entry);
	if (value.length > 0)
		memcpy(entry->value, value.data, value.length);
	return entry;
}

static void
entry_free(Entry *entry)
{
	if (entry->value != entry_inline_value(entry))
		free(entry->value);
	free(entry);
}

static void
node_free(Node *node)
{
	if (node == NULL)
		return;
	if (node->is_leaf) {
		Leaf *leaf = (Leaf *)node;

		for (int i = 0; i < node->n; i++)
			/* A dirty one is freed with the list of changes. */
			if (!leaf->entry[i]->is_dirty)
				entry_free(leaf->entry[i]);
	} else {
		Inner *inner = (Inner *)node;

		for (int i = 0; i < node->n; i++) {
			if (i > 0)
				free(inner->bound[i].key);
			node_free(inner->child[i]);
		}
	}
	free(node);
}

static void
table_mark_dirty(StateTable *table, Entry *entry)
{
	if (table->backend == NULL || entry->is_dirty)
		return;
	entry->is_dirty = true;
	grow_array(table->dirty, table->n_dirty, table->dirty_capacity);
	table->dirty[table->n_dirty++] = entry;
}

/* ---- the tree ---- */

static Bound
bound_of(const Entry *entry)
{
	Bound bound = {xmalloc(entry->key_length + 1), entry->key_length};

	memcpy(bound.key, entry->key, entry->key_length);
	return bound;
}

/* Puts the entry into the leaf; gives the new right half if it had to be split. */
static Leaf *
leaf_insert(Leaf *leaf, Entry *entry, uint64_t prefix)
{
	int	  at = leaf_lower_bound(leaf, str_make(entry->key, entry->key_length), prefix);
	Leaf *right = NULL;
	Leaf *into = leaf;

	if (leaf->node.n == NODE_MAX) {
		/* Keys that come in order fill the leaves: nothing is moved when the new one is the last of all. */
		int keep = at == NODE_MAX && leaf->next == NULL ? NODE_MAX : NODE_MAX / 2;

		right = xcalloc(1, sizeof *right);
		right->node.is_leaf = true;
		right->node.n = NODE_MAX - keep;
		memcpy(right->prefix, leaf->prefix + keep, (size_t)right->node.n * sizeof *right->prefix);
		memcpy(right->entry, leaf->entry + keep, (size_t)right->node.n * sizeof(Entry *));
		leaf->node.n = keep;
		right->next = leaf->next;
		right->previous = leaf;
		if (right->next != NULL)
			right->next->previous = right;
		leaf->next = right;
		if (at > keep || keep == NODE_MAX) {
			into = right;
			at -= keep;
		}
	}
	memmove(into->prefix + at + 1, into->prefix + at, (size_t)(into->node.n - at) * sizeof *into->prefix);
	memmove(into->entry + at + 1, into->entry + at, (size_t)(into->node.n - at) * sizeof(Entry *));
	into->prefix[at] = prefix;
	into->entry[at] = entry;
	into->node.n++;
	return right;
}

static void
inner_place(Inner *inner, int at, Node *child, Bound bound)
{
	size_t behind = (size_t)(inner->node.n - at);

	memmove(inner->prefix + at + 1, inner->prefix + at, behind * sizeof *inner->prefix);
	memmove(inner->bound + at + 1, inner->bound + at, behind * sizeof *inner->bound);
	memmove(inner->child + at + 1, inner->child + at, behind * sizeof *inner->child);
	inner->prefix[at] = key_prefix(str_make(bound.key, bound.length));
	inner->bound[at] = bound;
	inner->child[at] = child;
	inner->node.n++;
}

/* Inserts below `node`; gives the new right sibling and its bound if node had to be split. */
static Node *
node_insert(Node *node, Entry *entry, uint64_t prefix, Bound *bound)
{
	Inner *inner, *right;
	Node  *split;
	Bound  split_bound;
	int	   at;

	if (node->is_leaf) {
		Leaf *new_leaf = leaf_insert((Leaf *)node, entry, prefix);

		if (new_leaf != NULL)
			*bound = bound_of(new_leaf->entry[0]);
		return (Node *)new_leaf;
	}
	inner = (Inner *)node;
	at = inner_child(inner, str_make(entry->key, entry->key_length), prefix);
	split = node_insert(inner->child[at], entry, prefix, &split_bound);
	if (split == NULL)
		return NULL;
	at++;
	if (node->n < NODE_MAX) {
		inner_place(inner, at, split, split_bound);
		return NULL;
	}
	{
		int keep = at == NODE_MAX ? NODE_MAX - 1 : NODE_MAX / 2;
		int n = NODE_MAX - keep;

		right = xcalloc(1, sizeof *right);
		right->node.n = n;
		memcpy(right->prefix, inner->prefix + keep, (size_t)n * sizeof *right->prefix);
		memcpy(right->bound, inner->bound + keep, (size_t)n * sizeof *right->bound);
		memcpy(right->child, inner->child + keep, (size_t)n * sizeof *right->child);
		node->n = keep;
		*bound = right->bound[0];
		right->bound[0] = (Bound){0};
		if (at > keep)
			inner_place(right, at - keep, split, split_bound);
		else
			inner_place(inner, at, split, split_bound);
	}
	return (Node *)right;
}

static void
table_insert(StateTable *table, Entry *entry)
{
	uint64_t prefix = key_prefix(str_make(entry->key, entry->key_length));
	Node	*right;
	Bound	 bound;

	if (table->root == NULL) {
		Leaf *leaf = xcalloc(1, sizeof *leaf);

		leaf->node.is_leaf = true;
		table->root = &leaf->node;
	}
	right = node_insert(table->root, entry, prefix, &bound);
	if (right != NULL) {
		Inner *root = xcalloc(1, sizeof *root);

		root->node.n = 1;
		root->child[0] = table->root;
		inner_place(root, 1, right, bound);
		table->root = &root->node;
	}
	table->n_entries++;
}

/* Takes the key's entry out of the tree below `node`; *entry stays NULL if there is none.  True: node is empty, freed. */
static bool
node_remove(Node *node, Str key, uint64_t prefix, Entry **entry)
{
	Inner *inner;
	size_t behind;
	int	   at;

	if (node->is_leaf) {
		Leaf *leaf = (Leaf *)node;

		at = leaf_lower_bound(leaf, key, prefix);
		if (at == node->n || bytes_compare(leaf->entry[at]->key, leaf->entry[at]->key_length, key.data, key.length) != 0)
			return false;
		*entry = leaf->entry[at];
		behind = (size_t)(node->n - at - 1);
		memmove(leaf->prefix + at, leaf->prefix + at + 1, behind * sizeof *leaf->prefix);
		memmove(leaf->entry + at, leaf->entry + at + 1, behind * sizeof(Entry *));
		if (--node->n > 0)
			return false;
		if (leaf->next != NULL)
			leaf->next->previous = leaf->previous;
		if (leaf->previous != NULL)
			leaf->previous->next = leaf->next;
		free(leaf);
		return true;
	}
	inner = (Inner *)node;
	at = inner_child(inner, key, prefix);
	if (!node_remove(inner->child[at], key, prefix, entry))
		return false;
	if (at > 0)
		free(inner->bound[at].key);
	behind = (size_t)(node->n - at - 1);
	memmove(inner->prefix + at, inner->prefix + at + 1, behind * sizeof *inner->prefix);
	memmove(inner->bound + at, inner->bound + at + 1, behind * sizeof *inner->bound);
	memmove(inner->child + at, inner->child + at + 1, behind * sizeof *inner->child);
	node->n--;
	if (at == 0 && node->n > 0) {
		/* The new first child takes keys below its bound as well: it needs none. */
		free(inner->bound[0].key);
		inner->bound[0] = (Bound){0};
	}
	if (node->n > 0)
		return false;
	free(inner);
	return true;
}

/* ---- the interface ---- */

static Status
table_load_row(void *context, Str key, Str value, Error *err)
{
	StateTable *table = context;
	Entry	   *entry;

	TRY(table_use(table, entry_bytes((uint32_t)key.length, (uint32_t)value.length), err));
	entry = entry_new(key, value);
	entry->is_stored = true;
	table_insert(table, entry);
	return OK;
}

Status
state_table_open(StateBackend *backend, int op_id, int table, MemoryBudget *budget, const char *what, StateTable **out,
				 Error *err)
{
	StateTable *made = xcalloc(1, sizeof *made);

	*made = (StateTable){.backend = backend, .op_id = op_id, .table = table, .budget = budget, .what = what};
	if (backend != NULL && backend->scan(backend, op_id, table, table_load_row, made, err) == FAILED) {
		state_table_close(made);
		*out = NULL;
		return FAILED;
	}
	*out = made;
	return OK;
}

void
state_table_close(StateTable *table)
{
	if (table == NULL)
		return;
	node_free(table->root);
	for (size_t i = 0; i < table->n_dirty; i++)
		entry_free(table->dirty[i]);
	free(table->dirty);
	if (table->budget != NULL)
		budget_release(table->budget, table->reserved_bytes);
	free(table);
}

int64_t
state_table_count(const StateTable *table)
{
	return table->n_entries;
}

bool
state_table_get(const StateTable *table, Str key, Str *value)
{
	const Entry *entry = table_find(table, key);

	if (entry == NULL)
		return false;
	*value = str_make(entry->value, entry->value_length);
	return true;
}

Status
state_table_put(StateTable *table, Str key, Str value, Error *err)
{
	Entry *entry = table_find(table, key);

	if (entry == NULL) {
		TRY(table_use(table, entry_bytes((uint32_t)key.length, (uint32_t)((value.length + 7) & ~(size_t)7)), err));
		entry = entry_new(key, value);
		table_insert(table, entry);
	} else if (value.length <= entry->value_capacity) {
		if (value.length > 0)
			memmove(entry->value, value.data, value.length);
		entry->value_length = (uint32_t)value.length;
	} else {
		uint32_t capacity = (uint32_t)(value.length + value.length / 4 + 8);
		char	*place;

		TRY(table_use(table, (int64_t)capacity - entry->value_capacity, err));
		place = xmalloc(capacity);
		memcpy(place, value.data, value.length);
		if (entry->value != entry_inline_value(entry))
			free(entry->value);
		entry->value = place;
		entry->value_length = (uint32_t)value.length;
		entry->value_capacity = capacity;
	}
	table_mark_dirty(table, entry);
	return OK;
}

bool
state_table_remove(StateTable *table, Str key)
{
	Entry *entry = NULL;

	if (table->root == NULL)
		return false;
	if (node_remove(table->root, key, key_prefix(key), &entry))
		table->root = NULL;
	if (entry == NULL)
		return false;
	/* A tree that has become a chain of single children is made lower again. */
	while (table->root != NULL && !table->root->is_leaf && table->root->n == 1) {
		Inner *inner = (Inner *)table->root;

		table->root = inner->child[0];
		free(inner);
	}
	table->n_entries--;
	table_unuse(table, entry_bytes(entry->key_length, entry->value_capacity));
	if (table->backend == NULL) {
		entry_free(entry);
	} else {
		entry->is_removed = true;
		table_mark_dirty(table, entry);
	}
	return true;
}

int64_t
state_table_remove_range(StateTable *table, Str from, Str to)
{
	int64_t n = 0;
	Str		key, value;

	for (;;) {
		StateCursor cursor = state_table_seek(table, from);

		if (!state_cursor_next(&cursor, &key, &value))
			break;
		if (to.length > 0 && bytes_compare(key.data, key.length, to.data, to.length) >= 0)
			break;
		{
			/* The key belongs to the entry, which is freed while it is used to find its place no more. */
			char  small[256];
			char *copy = key.length <= sizeof small ? small : xmalloc(key.length);

			if (key.length > 0)
				memcpy(copy, key.data, key.length);
			state_table_remove(table, str_make(copy, key.length));
			if (copy != small)
				free(copy);
		}
		n++;
	}
	return n;
}

StateCursor
state_table_seek(const StateTable *table, Str from)
{
	uint64_t	prefix = key_prefix(from);
	const Leaf *leaf = table_find_leaf(table, from, prefix);

	return (StateCursor){table, leaf, leaf != NULL ? leaf_lower_bound(leaf, from, prefix) : 0};
}

bool
state_cursor_next(StateCursor *cursor, Str *key, Str *value)
{
	const Leaf	*leaf = cursor->leaf;
	const Entry *entry;

	while (leaf != NULL && cursor->position >= leaf->node.n) {
		leaf = leaf->next;
		cursor->leaf = leaf;
		cursor->position = 0;
	}
	if (leaf == NULL)
		return false;
	entry = leaf->entry[cursor->position++];
	*key = str_make(entry->key, entry->key_length);
	*value = str_make(entry->value, entry->value_length);
	return true;
}

/* By key; of one key the removed entries (any number) before the living one. */
static int
entry_order(const void *a, const void *b)
{
	const Entry *x = *(Entry *const *)a, *y = *(Entry *const *)b;
	int			 order = bytes_compare(x->key, x->key_length, y->key, y->key_length);

	return order != 0 ? order : (int)y->is_removed - (int)x->is_removed;
}

void
state_table_flush(StateTable *table)
{
	StateBackend *backend = table->backend;

	if (table->n_dirty == 0)
		return;
	qsort(table->dirty, table->n_dirty, sizeof *table->dirty, entry_order);
	for (size_t i = 0; i < table->n_dirty; i++) {
		Entry *entry = table->dirty[i];
		Str	   key = str_make(entry->key, entry->key_length);

		entry->is_dirty = false;
		if (!entry->is_removed) {
			backend->put(backend, table->op_id, table->table, key, str_make(entry->value, entry->value_length));
			entry->is_stored = true;
			continue;
		}
		/* What came and went within the epoch was never told. */
		if (entry->is_stored)
			backend->remove(backend, table->op_id, table->table, key);
		entry_free(entry);
	}
	table->n_dirty = 0;
}
