#ifndef SLUICE_IO_CONNECTOR_FILE_JSON_SHAPE_H
#define SLUICE_IO_CONNECTOR_FILE_JSON_SHAPE_H

/*
 * JSON lines that look like one seen before, read without looking at their grammar twice.
 *
 * A shape is what stands around the values of a line, byte for byte, and what to do with each value: skip it, or store it
 * in a column.  It is learnt from one line.  A line has the shape if every text between its values is the same and
 * every value is one that the step can take; otherwise nothing is concluded and the line is read by json_decode, which also
 * makes all the error messages.  So a shape never accepts what json_decode would refuse, and gives the same values.
 *
 * Lines must end within the buffer (`\n`), behind which 64 bytes can be read.  No step passes the end of a line.
 */
#include "data/schema.h"
#include "data/vector.h"
#include "io/format/json/json_decode.h"

#define SHAPES_MAX 4		/* kinds of lines in one file that are remembered */

typedef struct JsonShapes JsonShapes;

/*
 * NULL where the machine cannot do it (then every line is for json_decode).  Used by one thread; what it learns is its own,
 * until json_shapes_free (NULL is allowed).
 */
JsonShapes *json_shapes_new(Arena *arena, const Column *columns, int n_columns);
void json_shapes_free(JsonShapes *shapes);

/* The vectors that the next lines go to (NULL: column not wanted); forgets the shapes if others are wanted than before. */
void json_shapes_bind(JsonShapes *shapes, Vector *const *columns, Arena *arena);

/*
 * The line that begins at `at` into row `row`.  True: done, *end is the place of its newline.  False: not done (columns may
 * hold anything in that row).  There is a newline at or before `limit`.
 */
bool json_shapes_read(JsonShapes *shapes, const char *at, const char *limit, int32_t row, const char **end);

/* Whether the texts of STRING columns that were stored since json_shapes_bind are all ASCII. */
bool json_shapes_all_ascii(const JsonShapes *shapes);

/* Remembers the shape of a line that json_decode has read (it ends before its newline). */
void json_shapes_learn(JsonShapes *shapes, Str line);

#endif
