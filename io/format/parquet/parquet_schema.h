#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_SCHEMA_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_SCHEMA_H

/*
 * The columns of a Parquet file: its schema as a tree of what SQL has, with the levels that Dremel's encoding gives each node.
 *
 * Levels.  A leaf has for each of its entries a repetition level (0 where a row begins) and a definition level (how much
 * of its path is there).  A node is NULL where the definition level is below `defined`; an item of a list exists where it
 * reaches `item_defined`, and begins where the repetition level is `item_repeated` at most.
 *
 * Lists are read by the rules of the format for three-level lists and for the older two-level ones.
 */
#include "data/vector.h"
#include "io/format/parquet/parquet_meta.h"

typedef enum ParquetNodeKind { PARQUET_LEAF, PARQUET_STRUCT, PARQUET_LIST, PARQUET_MAP } ParquetNodeKind;

typedef struct ParquetNode ParquetNode;

/*
 * n values as they stand in a page (fixed width: side by side, not aligned; texts: StrViews) to n values of the node's type.
 * What must be allocated is from `arena`.  False: value *bad does not fit the type.
 */
typedef bool (*ParquetConvert)(const ParquetNode *leaf, const void *from, int32_t n, void *to, Arena *arena, int32_t *bad);

struct ParquetNode {
	ParquetNodeKind	kind;
	const char	   *name;
	const Type	   *type;			/* NULL: of a kind that SQL has no type for (`why` says which) */
	const char	   *why;
	int				defined;		/* see above */
	int				item_defined;	/* LIST, MAP */
	int				item_repeated;	/* LIST, MAP */
	int				n_children;		/* STRUCT: fields; LIST: 1; MAP: key, value */
	ParquetNode	   *children;
	int				first_leaf;		/* index of the (first) leaf */
	int				n_leaves;		/* LEAF: 1 */
	/* LEAF */
	int				max_definition, max_repetition;
	ParquetPhysical physical;
	ParquetMeaning	meaning;
	int				width;			/* bytes of a value in a page; 0: texts, booleans */
	int				scale;			/* of a decimal */
	ParquetConvert	convert;		/* NULL: the page holds what a vector does */
};

/*
 * The columns of a file.  fold_names: names are upper-cased (ksqldb dialect).  Fails if the schema is not a tree; a column of an
 * unsupported type is in it without a type.
 */
Status parquet_schema_read(Arena *arena, const ParquetMeta *meta, const char *path, bool fold_names, ParquetNode **columns,
						   int *n_columns, Error *err);

/* The leaf with an index below a node. */
const ParquetNode *parquet_leaf(const ParquetNode *node, int leaf);

/* Whether values of `node` can be read as `type`: the same but for the case of field names. */
bool parquet_type_fits(const ParquetNode *node, const Type *type);

/* One PLAIN value of a leaf (a minimum or maximum); false if it is not one. */
bool parquet_plain_value(const ParquetNode *leaf, Str bytes, Arena *arena, Value *out);

#endif
