-- What IMPORT FOREIGN SCHEMA cannot do: it returns tables only, and leaves descriptions as options.

CREATE PROCEDURE retrack.comment_imported(schema name)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	target record;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = schema) THEN
		RAISE EXCEPTION 'schema "%" does not exist', schema USING ERRCODE = 'invalid_schema_name';
	END IF;
	FOR target IN
		SELECT format('COMMENT ON FOREIGN TABLE %I.%I IS %L', schema, c.relname, o.option_value) AS command
		FROM pg_class c
		JOIN pg_foreign_table t ON t.ftrelid = c.oid
		JOIN pg_foreign_server s ON s.oid = t.ftserver
		JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'retrack_fdw'
		CROSS JOIN LATERAL pg_options_to_table(t.ftoptions) o
		WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = schema)
			AND o.option_name = 'description'
		UNION ALL
		SELECT format('COMMENT ON COLUMN %I.%I.%I IS %L', schema, c.relname, a.attname, o.option_value)
		FROM pg_class c
		JOIN pg_foreign_table t ON t.ftrelid = c.oid
		JOIN pg_foreign_server s ON s.oid = t.ftserver
		JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw AND w.fdwname = 'retrack_fdw'
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		CROSS JOIN LATERAL pg_options_to_table(a.attfdwoptions) o
		WHERE c.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = schema)
			AND o.option_name = 'description'
	LOOP
		EXECUTE target.command;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE retrack.comment_imported(name) IS
	'Makes comments of the description options that IMPORT FOREIGN SCHEMA gave the foreign tables of a schema and their columns; those without one keep the comment they have. Needs to own the tables. Raises 3F000 if there is no such schema. NULL: 3F000.';
