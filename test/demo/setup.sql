\set QUIET on
CREATE EXTENSION retrack;

CREATE SERVER reporting FOREIGN DATA WRAPPER retrack_fdw OPTIONS (
  base_url :'api_url', auth 'bearer',
  pagination 'cursor', records '/data', next '/next', cursor_param 'cursor', limit_param 'limit', page_size '1000', total '/total');
CREATE USER MAPPING FOR CURRENT_USER SERVER reporting OPTIONS (token :'token');
CREATE SCHEMA api;
IMPORT FOREIGN SCHEMA "v1" FROM SERVER reporting INTO api OPTIONS (rejects 'true');

CALL retrack.create_registry('trade');

\timing on
CALL retrack.pull_all('trade', 'api');
\timing off
ANALYZE;
