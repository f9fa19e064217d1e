-- The main job: extension, server, foreign schema, registry, pull.
CREATE EXTENSION retrack;

CREATE SERVER reporting FOREIGN DATA WRAPPER retrack_fdw OPTIONS (
  base_url :'api_url', auth 'bearer',
  pagination 'cursor', records '/data', next '/next', cursor_param 'cursor',
  limit_param 'limit', page_size '1000', total '/total');
CREATE USER MAPPING FOR CURRENT_USER SERVER reporting OPTIONS (token :'token');
CREATE SCHEMA api;
IMPORT FOREIGN SCHEMA "v1" FROM SERVER reporting INTO api OPTIONS (rejects 'true');

CALL retrack.create_registry('trade');
CALL retrack.pull_all('trade', 'api');
ANALYZE;

-- what the generator says it planted: the report is judged by it
CREATE TABLE planted (kind text, resource text, id text, party text, expected text, also text, period text, note text);
\set copy_planted '\\copy planted FROM ' :'planted' ' WITH (FORMAT csv, DELIMITER E''\\t'', HEADER)'
:copy_planted
