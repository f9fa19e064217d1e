CREATE PROCEDURE retrack.create_registry(registry name)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $proc$
DECLARE
  schema_oid oid;
  holds text;
BEGIN
  IF registry IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'registry name must not be null';
  END IF;
  -- Two sessions at once: the second waits, then finds the schema taken.
  PERFORM pg_advisory_xact_lock(1381258066, hashtext(registry));

  SELECT oid INTO schema_oid FROM pg_namespace WHERE nspname = registry;
  IF schema_oid IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', registry);
  ELSE
    SELECT pg_describe_object(classid, objid, 0) INTO holds
    FROM pg_depend
    WHERE refclassid = 'pg_namespace'::regclass AND refobjid = schema_oid
      AND classid <> 'pg_default_acl'::regclass AND classid::regclass::text <> 'pg_publication_namespace'
    ORDER BY classid, objid LIMIT 1;
    IF registry ~ '^pg_' OR registry = 'information_schema' THEN
      holds := 'the system''s catalogs';
    END IF;
    IF holds IS NOT NULL THEN
      RAISE EXCEPTION USING ERRCODE = 'RTR01', SCHEMA = registry,
        MESSAGE = format('schema "%s" already exists and is not empty', registry),
        DETAIL = format('It holds %s.', holds),
        HINT = 'Give the name of a new or empty schema; an existing registry is never changed by create_registry.';
    END IF;
  END IF;

  PERFORM retrack.create_registry_parties(registry);
  PERFORM retrack.create_registry_grants(registry);
  PERFORM retrack.create_registry_reference(registry);
  PERFORM retrack.create_registry_reports(registry);
  PERFORM retrack.create_registry_records(registry);
  PERFORM retrack.create_registry_rules(registry);
  PERFORM retrack.create_registry_visibility(registry);
  PERFORM retrack.create_registry_views(registry);
  PERFORM retrack.create_registry_detection(registry);
  PERFORM retrack.create_registry_comments(registry);
  PERFORM retrack.create_registry_seed(registry);
  -- What authorities enter and correct, in the chain of no party: a producer's reports do not wait for it. From
  -- here on, since what every registry begins with is nobody's change.
  PERFORM retrack.attach_triggers(format('%I.%I', registry, t)::regclass, 'journal')
  FROM unnest('{licence,licence_item,licence_party,licence_status,quota,control_list}'::text[]) AS t;
END $proc$;
COMMENT ON PROCEDURE retrack.create_registry(name) IS
'Creates a registry: the tables, keys, checks, indexes, comments and views of a tracking system''s books, with the control list and other reference data seeded, in the schema named, which is created or must be empty. Everything is owned by the caller, who needs CREATE on the database or on the empty schema. One transaction: it is all there or nothing is.
Errors: RTR01 the schema exists and is not empty (so also a second call); 22004 NULL name; 42939 a name reserved for system schemas; 42501 no right to create.';

DO $do$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT oid::regprocedure FROM pg_proc
    WHERE pronamespace = 'retrack'::regnamespace AND proname LIKE 'create\_registry\_%' AND obj_description(oid, 'pg_proc') IS NULL
  LOOP
    EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, 'step of retrack.create_registry; of no use on its own');
  END LOOP;
END $do$;
