#ifndef SLUICE_IO_FORMAT_PARQUET_PARQUET_CONVERT_H
#define SLUICE_IO_FORMAT_PARQUET_PARQUET_CONVERT_H

/* Which SQL type each kind of Parquet column has, and how its values become that type: one closed table. */
#include "io/format/parquet/parquet_schema.h"

/* Fills in type, width, scale and convert of a leaf whose physical type and meaning are set; type NULL with `why` if there is none. */
void parquet_leaf_type(ParquetNode *leaf, const ParquetElement *element);

#endif
