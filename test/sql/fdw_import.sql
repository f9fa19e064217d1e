-- IMPORT FOREIGN SCHEMA: what an OpenAPI document becomes, and that nothing in it can do harm. The documents are
-- files on the server here; the API tests import over HTTP.
CREATE SCHEMA fdw_import;
CREATE SERVER fdw_import_server FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://127.0.0.1:9/');

-- doc(name, json): writes a document and returns its path; columns(table): what the import made of it.
CREATE FUNCTION fdw_import.doc(document text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	file text := current_setting('data_directory') || '/fdw_import.json';
	large oid := lo_from_bytea(0, convert_to(document, 'UTF8'));
BEGIN
	PERFORM lo_export(large, file);
	PERFORM lo_unlink(large);
	RETURN file;
END $$;
CREATE FUNCTION fdw_import.import(document text, schema text, options text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('client_min_messages', 'warning', true);
	DROP SCHEMA IF EXISTS fdw_imported CASCADE;
	CREATE SCHEMA fdw_imported;
	PERFORM set_config('client_min_messages', 'notice', true);
	EXECUTE format('IMPORT FOREIGN SCHEMA %I FROM SERVER fdw_import_server INTO fdw_imported OPTIONS (openapi_file %L%s)',
		schema, fdw_import.doc(document), options);
END $$;
CREATE VIEW fdw_import.made AS
	SELECT c.relname AS "table", a.attnum AS n, a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS type,
		a.attnotnull AS nn, array_to_string(a.attfdwoptions, ' ') AS options
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
	WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'fdw_imported');
CREATE VIEW fdw_import.made_tables AS
	SELECT c.relname AS "table", array_to_string(t.ftoptions, ' ') AS options
	FROM pg_foreign_table t JOIN pg_class c ON c.oid = t.ftrelid
	WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'fdw_imported');

-- types, formats, both spellings of nullable, references, allOf, nesting, circles
\set doc '{"openapi": "3.0.3", "paths": {"/v1/things": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}}}}}}, "components": {"schemas": {"Base": {"type": "object", "required": ["id", "maybe30"], "properties": {"id": {"type": "string", "format": "uuid"}, "maybe30": {"type": "string", "nullable": true}}}, "Thing": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"type": "object", "required": ["day", "maybe31", "either", "one"], "properties": {"day": {"type": "string", "format": "date"}, "at": {"type": "string", "format": "date-time"}, "n16": {"type": "integer", "format": "int16"}, "n32": {"type": "integer", "format": "int32"}, "n64": {"type": "integer", "format": "int64"}, "n": {"type": "integer"}, "amount": {"type": "number"}, "ratio": {"type": "number", "format": "double"}, "single": {"type": "number", "format": "float"}, "yes": {"type": "boolean"}, "bytes": {"type": "string", "format": "byte"}, "kind": {"type": "string", "enum": ["a", "b"]}, "maybe31": {"type": ["string", "null"]}, "either": {"anyOf": [{"type": "integer", "format": "int32"}, {"type": "null"}]}, "one": {"oneOf": [{"type": "string"}, {"type": "integer"}]}, "mix": {"oneOf": [{"type": "object"}, {"type": "integer"}]}, "tags": {"type": "array", "items": {"type": "string"}}, "rows": {"type": "array", "items": {"type": "object"}}, "free": {}, "map": {"type": "object", "additionalProperties": {"type": "string"}}, "mass": {"type": "string", "x-postgresql-type": "retrack.mass"}, "odd": {"type": "string", "x-postgresql-type": "no_such_type"}, "secret": {"type": "string", "writeOnly": true}, "client": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "address": {"type": "object", "properties": {"city": {"type": "string"}}}}}, "parent": {"$ref": "#/components/schemas/Thing"}}}]}}}}'
SELECT fdw_import.import(:'doc', 'v1');
SELECT "column", type, nn, options FROM fdw_import.made ORDER BY n;
SELECT * FROM fdw_import.made_tables;
SELECT fdw_import.import(:'doc', 'v1', $$, nested 'jsonb', rejects 'true'$$);
SELECT "column", type, nn, options FROM fdw_import.made WHERE n > 23 OR nn ORDER BY n;
SELECT * FROM fdw_import.made_tables;

-- where the records are; table names; LIMIT TO and EXCEPT; parameters
\set doc '{"openapi": "3.1.0", "servers": [{"url": "https://api.example/base/"}], "x-retrack-paging": {"pagination": "cursor", "next": "/next", "cursor_param": "after", "page_size": 100, "base_url": "http://elsewhere/"}, "components": {"schemas": {"R": {"type": "object", "properties": {"id": {"type": "string"}, "day": {"type": "string", "format": "date"}, "period": {"type": "string"}, "owner": {"type": "object", "properties": {"id": {"type": "string"}}}}}, "Page": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/R"}}, "errors": {"type": "array", "items": {"type": "object", "properties": {"code": {"type": "string"}}}}}}}, "responses": {"Page": {"content": {"application/problem+json": {"schema": {"type": "object"}}, "application/json; charset=utf-8": {"schema": {"$ref": "#/components/schemas/Page"}}}}}, "parameters": {"Day": {"name": "day", "in": "query", "schema": {"type": "string", "format": "date"}}}}, "paths": {"/v1/lot-edges": {"parameters": [{"$ref": "#/components/parameters/Day"}], "get": {"parameters": [{"name": "day_from", "in": "query", "schema": {"type": "string", "format": "date"}}, {"name": "until", "in": "query", "x-retrack-column": "day", "x-retrack-op": "le", "schema": {"type": "string", "format": "date"}}, {"name": "id", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}, {"name": "owner_id", "in": "query", "required": true, "schema": {"type": "string"}}, {"name": "period", "in": "query", "x-retrack-derived": "month", "schema": {"type": "string"}}, {"name": "limit", "in": "query", "schema": {"type": "integer"}}], "responses": {"200": {"$ref": "#/components/responses/Page"}}}}, "/v1/lines": {"get": {"x-retrack-table": "line_table", "responses": {"2XX": {"content": {"application/x-ndjson": {"schema": {"$ref": "#/components/schemas/R"}}}}}}}, "/v1/owners/{owner_id}/things": {"get": {"responses": {"200": {"$ref": "#/components/responses/Page"}}}}, "/v1/unknown/{who}": {"get": {"responses": {"200": {"$ref": "#/components/responses/Page"}}}}, "/v1/needs": {"get": {"parameters": [{"name": "tenant", "in": "query", "required": true, "schema": {"type": "string"}}], "responses": {"200": {"$ref": "#/components/responses/Page"}}}}, "/v1/one": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/R"}}}}}}}, "/v1/write": {"post": {"responses": {"200": {"$ref": "#/components/responses/Page"}}}}, "/v2/lot-edges": {"get": {"responses": {"200": {"$ref": "#/components/responses/Page"}}}}}}'
SELECT fdw_import.import(:'doc', 'v1');
SELECT * FROM fdw_import.made_tables ORDER BY 1;
SELECT "table", "column", type, options FROM fdw_import.made ORDER BY "table", n;
SELECT fdw_import.import(:'doc', 'v1', $$, parameters 'hinted'$$);
SELECT "table", "column", options FROM fdw_import.made WHERE options LIKE '%param%' ORDER BY "table", n;
SELECT fdw_import.import(:'doc', '/', $$, parameters 'none'$$);
SELECT "table", options FROM fdw_import.made_tables ORDER BY 1;
-- the server's own settings go before the document's
ALTER SERVER fdw_import_server OPTIONS (ADD records '/items', ADD pagination 'link', SET base_url 'http://127.0.0.1:9/base');
SELECT fdw_import.import(:'doc', 'v2');
SELECT * FROM fdw_import.made_tables;
ALTER SERVER fdw_import_server OPTIONS (DROP records, DROP pagination);
\set QUIET on
SET client_min_messages = warning;
DROP SCHEMA fdw_imported CASCADE;
RESET client_min_messages;
CREATE SCHEMA fdw_imported;
SELECT fdw_import.doc(:'doc') AS file \gset
IMPORT FOREIGN SCHEMA v1 LIMIT TO (lot_edges, no_such) FROM SERVER fdw_import_server INTO fdw_imported OPTIONS (openapi_file :'file');
IMPORT FOREIGN SCHEMA v1 EXCEPT (lot_edges) FROM SERVER fdw_import_server INTO fdw_imported OPTIONS (openapi_file :'file');
SELECT "table" FROM fdw_import.made_tables ORDER BY 1;

-- descriptions become options, and comments on demand
\set doc '{"openapi": "3.1.0", "paths": {"/v1/d": {"get": {"summary": "It''s a \\"table\\".", "responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string", "description": "First; DROP \\\\ it."}, "b": {"type": "string"}}}}}}}}}}}}'
SELECT fdw_import.import(:'doc', 'v1');
COMMENT ON COLUMN fdw_imported.d.b IS 'kept';
CALL retrack.comment_imported('fdw_imported');
SELECT objsubid, description FROM pg_description WHERE objoid = 'fdw_imported.d'::regclass ORDER BY 1;
CALL retrack.comment_imported('no_such_schema');

-- hostile names, long names, names of system columns, equal names
\set doc '{"openapi": "3.1.0", "paths": {"/v1/x\\"; DROP SCHEMA fdw_import; --": {"get": {"x-retrack-table": "t\\"; DROP SCHEMA fdw_import CASCADE; --", "responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"type": "object", "properties": {"a\\" text); DROP SCHEMA fdw_import; --": {"type": "string", "x-postgresql-type": "text); DROP SCHEMA fdw_import; --"}, "ctid": {"type": "string"}, "": {"type": "string"}, "Mixed Case": {"type": "string"}, "quote''s": {"type": "string"}, "sla/sh~tilde": {"type": "string"}, "back\\\\slash": {"type": "string"}, "a_very_long_name_that_goes_on_and_on_and_on_until_it_is_longer_than_names": {"type": "string"}, "a_very_long_name_that_goes_on_and_on_and_on_until_it_is_longer_than_another": {"type": "string"}, "o": {"type": "object", "properties": {"b": {"type": "string"}}}, "o_b": {"type": "string", "x-postgresql-type": "anyelement"}, "select": {"type": "string", "x-postgresql-type": "pg_catalog.varchar(5)[]"}}}}}}}}}}}}'
SELECT fdw_import.import(:'doc', 'v1');
SELECT "table", options FROM fdw_import.made_tables;
SELECT to_regnamespace('fdw_import') IS NOT NULL AS still_there;
SELECT "column", type, options FROM fdw_import.made ORDER BY n;

-- circles of references, references to nowhere and to other files, growth
\set doc '{"openapi": "3.1.0", "components": {"schemas": {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}, "C": {"allOf": [{"$ref": "#/components/schemas/C"}, {"$ref": "#/components/schemas/D"}]}, "D": {"allOf": [{"$ref": "#/components/schemas/C"}], "type": "object", "properties": {"d": {"$ref": "#/components/schemas/C"}, "e": {"$ref": "#/components/schemas/A"}, "f": {"$ref": "other.json#/X"}, "g": {"$ref": "#/components/sch%65mas/E~1~0"}, "h": {"$ref": "#/components/schemas/F%+1"}}}, "E/~": {"type": "integer"}, "F%+1": {"type": "integer"}}}, "paths": {"/v1/c": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/D"}}}}}}}}, "/v1/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}}}, "/v1/none": {"get": {}}, "/v1/null": null, "/v1/text": {"get": "text"}}}'
SELECT fdw_import.import(:'doc', 'v1');
SELECT "table", "column", type FROM fdw_import.made ORDER BY "table", n;
SELECT fdw_import.import(format('{"openapi": "3.1.0", "components": {"schemas": {%s, "S40": {"properties": {"leaf": {}}}}}, "paths": {"/v1/s": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/S0"}}}}}}}}}}',
	string_agg(format('"S%s": {"allOf": [{"$ref": "#/components/schemas/S%s"}, {"$ref": "#/components/schemas/S%s"}], "properties": {"p%s": {"type": "string"}}}', i, i + 1, i + 1, i), ', ')), 'v1')
FROM generate_series(0, 39) i;
SELECT count(*) AS forty_one FROM fdw_import.made;

-- numbers beyond bigint, and escapes of NUL, in parts that an import does not need; an int32 column and its parameter
SELECT fdw_import.import('{"openapi": "3.1.0", "x-retrack-paging": {"pagination": "page", "page_size": 50}, "paths": {"/v1/n": {"get": {"parameters": [{"name": "i", "in": "query", "schema": {"type": "integer"}}],
	"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"properties": {"i": {"type": "integer", "format": "int32"},
	"u": {"type": "integer", "maximum": 18446744073709551615}, "t": {"type": "string", "pattern": "^[^\u0000]*$"}}}}}}}}}}}}', 'v1');
SELECT "column", type, options FROM fdw_import.made ORDER BY n;
SELECT options FROM fdw_import.made_tables;

-- errors
\set SHOW_CONTEXT never
SELECT fdw_import.import('{"openapi": "3.1.0", "paths": {}}', 'v1');
SELECT fdw_import.import('{"openapi": ', 'v1');
SELECT fdw_import.import('{"swagger": "2.0"}', 'v1');
SELECT fdw_import.import('[]', 'v1');
SELECT fdw_import.import(:'doc', 'v1', $$, nested 'maybe'$$);
SELECT fdw_import.import(:'doc', 'v1', $$, limit '3'$$);
IMPORT FOREIGN SCHEMA v1 FROM SERVER fdw_import_server INTO fdw_imported OPTIONS (openapi_file '/no/such/file');
\set VERBOSITY sqlstate
SELECT fdw_import.import('{"openapi": "3.1.0", "paths": {}}', 'v1');
SELECT fdw_import.import('{"openapi": ', 'v1');
SELECT fdw_import.import(:'doc', 'v1', $$, nested 'maybe'$$);
SELECT fdw_import.import(:'doc', 'v1', $$, limit '3'$$);
\set VERBOSITY default
CREATE ROLE regress_fdw_import;
GRANT USAGE ON FOREIGN SERVER fdw_import_server TO regress_fdw_import;
GRANT ALL ON SCHEMA fdw_imported TO regress_fdw_import;
SET ROLE regress_fdw_import;
IMPORT FOREIGN SCHEMA v1 FROM SERVER fdw_import_server INTO fdw_imported OPTIONS (openapi_file '/etc/passwd');
RESET ROLE;

-- an API with pages, whose document does not say how they follow each other
\set doc '{"openapi": "3.0.3", "paths": {"/v1/paged": {"get": {"parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}, {"name": "id", "in": "query", "schema": {"type": "integer"}}], "responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}}}}}}}, "/v1/whole": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "integer"}}}}}}}}}}}}'
SELECT fdw_import.import(:'doc', 'v1');
ALTER SERVER fdw_import_server OPTIONS (ADD pagination 'link');
SELECT fdw_import.import(:'doc', 'v1');
ALTER SERVER fdw_import_server OPTIONS (DROP pagination);

\set ECHO errors
SET client_min_messages = warning;
DROP SERVER fdw_import_server CASCADE;
DROP SCHEMA fdw_imported, fdw_import CASCADE;
DROP ROLE regress_fdw_import;
