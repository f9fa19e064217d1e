/*
 * rules/trigger_arguments.c
 *		trigger_arguments(): what verify_ledger and check_triggers need to know
 *		of a trigger.
 */
#include "retrack.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(trigger_arguments);

/* The arguments are stored one after the other, each with its terminator. */
static ArrayType *
split_arguments(HeapTuple tuple, TupleDesc desc)
{
	int			n = ((Form_pg_trigger) GETSTRUCT(tuple))->tgnargs;
	Datum	   *args = palloc(sizeof(Datum) * (n + 1));
	bool		isnull;
	Datum		stored = fastgetattr(tuple, Anum_pg_trigger_tgargs, desc, &isnull);
	const char *p = isnull ? "" : VARDATA_ANY(DatumGetByteaPP(stored));

	for (int i = 0; i < n; i++)
	{
		args[i] = CStringGetTextDatum(p);
		p += strlen(p) + 1;
	}
	return construct_array(args, n, TEXTOID, -1, false, TYPALIGN_INT);
}

Datum
trigger_arguments(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	ArrayType  *result = NULL;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ, PG_GETARG_DATUM(0));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = split_arguments(tuple, RelationGetDescr(rel));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(result);
}
