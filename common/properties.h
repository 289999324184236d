#ifndef SLUICE_COMMON_PROPERTIES_H
#define SLUICE_COMMON_PROPERTIES_H

/*
 * Text in the form of Java's .properties files, as java.util.Properties.load reads it, but in UTF-8.
 *
 * `name=value`, `name: value` or `name value`; lines that begin with # or ! are comments; a line that ends in an odd number of
 * backslashes goes on in the next, whose leading blanks don't count; \t \n \r \f \uXXXX are characters, any other \c is c.
 */
#include "common/str.h"

/* Told of every pair in order, with the line (from 1) where it began; a name may come again. */
typedef Status (*PropertyVisitor)(void *context, int line, const char *name, const char *value, Error *err);

/* Stops at the first failure; a bad \u escape is one, told with its line. */
Status properties_read(Str text, PropertyVisitor visit, void *context, Error *err);

#endif
