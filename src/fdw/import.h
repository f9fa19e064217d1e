/*
 * fdw/import.h
 *		IMPORT FOREIGN SCHEMA from an OpenAPI document.
 */
#ifndef RT_IMPORT_H
#define RT_IMPORT_H

#include "retrack.h"

#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"

/* The FDW's ImportForeignSchema callback: CREATE FOREIGN TABLE commands. */
extern List *rt_import_foreign_schema(ImportForeignSchemaStmt *stmt, Oid server_id);

#endif							/* RT_IMPORT_H */
