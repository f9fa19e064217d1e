-- Options of retrack_fdw: what is refused, where, and with which hint.
CREATE SERVER fdw_options_ok FOREIGN DATA WRAPPER retrack_fdw
	OPTIONS (base_url 'http://127.0.0.1:1/api', pagination 'cursor', next '/next', cursor_param 'c',
		timeout '2s', stall_timeout '500', buffer_size '128kB', max_record_size '16MB', rate_limit '2.5',
		auth 'bearer', headers E'X-One: 1\nX-Two: 2', max_retries '0');
CREATE USER MAPPING FOR CURRENT_USER SERVER fdw_options_ok OPTIONS (token 'abc');
CREATE FOREIGN TABLE fdw_options_table (
	a int OPTIONS (pointer '/x~1y/0', param 'a', param_in 'a_in', param_in_style 'repeat', exact 'true'),
	raw jsonb OPTIONS (pointer ''), error text OPTIONS (pointer '#error'),
	d date OPTIONS (param_from 'since', param_to 'until', sort 'd', sort_nulls 'last', required 'yes'))
	SERVER fdw_options_ok OPTIONS (path '/producers/{a}?fixed=1', on_error 'skip', reject_limit '10', format 'json');

-- each refused by a state of its own; the message names option and value
CREATE FUNCTION pg_temp.refused(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text; detail text;
BEGIN
	EXECUTE command;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ': ' || message || CASE WHEN detail <> '' THEN ' | ' || detail ELSE '' END;
END $$;

SELECT o AS server_options, pg_temp.refused('CREATE SERVER fdw_options_bad FOREIGN DATA WRAPPER retrack_fdw OPTIONS (' || o || ')')
FROM (VALUES
	(1, $$nonsense 'x'$$),
	(2, $$token 'x', base_url 'http://h'$$),
	(3, $$pagination 'none'$$),
	(4, $$base_url 'ftp://h/'$$),
	(5, $$base_url 'file:///etc/passwd'$$),
	(6, $$base_url 'http://user:secret@h/'$$),
	(7, $$base_url 'http://h/?key=secret'$$),
	(8, $$base_url 'http://h:0/'$$),
	(9, E'base_url E''http://h/\r\nX: y'''),
	(10, $$base_url 'http://h', pagination 'pages'$$),
	(11, $$base_url 'http://h', page_size '0'$$),
	(12, $$base_url 'http://h', page_size '-5'$$),
	(13, $$base_url 'http://h', page_size 'many'$$),
	(14, $$base_url 'http://h', timeout '2 lightyears'$$),
	(15, $$base_url 'http://h', timeout '-1'$$),
	(16, $$base_url 'http://h', buffer_size '1kB'$$),
	(17, $$base_url 'http://h', rate_limit '0'$$),
	(18, $$base_url 'http://h', rate_limit 'nan'$$),
	(19, $$base_url 'http://h', records 'data'$$),
	(20, $$base_url 'http://h', records '/a~2'$$),
	(21, $$base_url 'http://h', auth 'oauth2'$$),
	(22, $$base_url 'http://h', auth 'bearer', token_url 'http://h/token'$$),
	(23, $$base_url 'http://h', api_key_header 'X-Key'$$),
	(24, $$base_url 'http://h', auth 'api_key', api_key_header 'X Key'$$),
	(25, $$base_url 'http://h', pagination 'page', cursor_param 'c'$$),
	(26, $$base_url 'http://h', pagination 'none', next '/next'$$),
	(27, $$base_url 'http://h', headers 'no colon'$$),
	(28, $$base_url 'http://h', headers 'Authorization: Bearer x'$$),
	(29, $$base_url 'http://h', headers E'X: a\bb'$$),
	(30, $$base_url 'http://h', client_key '/tmp/k'$$),
	(31, $$base_url 'http://h', allow_hosts 'a,,b'$$),
	(32, $$base_url 'http://h', prefetch '17'$$),
	(33, $$base_url 'http://h', pagination 'none', page_size '10'$$),
	(34, $$base_url 'http://h', pagination 'none', limit_param 'limit'$$),
	(35, $$base_url 'http://h', auth 'api_key', api_key_header 'Host'$$),
	(36, $$base_url 'http://h', proxy 'http://user:secret@p:3128'$$),
	(37, $$base_url 'http://h', base_url 'http://g'$$)) v(n, o) ORDER BY n;
-- the limits of every option that has some, and no option is empty
SELECT o AS limits, pg_temp.refused(format('CREATE SERVER fdw_options_bad FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url ''http://h'', %s)', o))
FROM (VALUES
	(1, $$pagination 'page', page_param ''$$), (2, $$pagination 'page', page_param E'a\nb'$$),
	(3, $$pagination 'page', first_page '-1'$$), (4, $$pagination 'page', first_page '1000000001'$$), (5, $$pagination 'page', first_page '1.5'$$),
	(6, $$pagination 'offset', offset_param ''$$), (7, $$pagination 'cursor', next '/n', cursor_param ''$$), (8, $$pagination 'page', limit_param ''$$),
	(9, $$pagination 'page', page_size '1000000001'$$), (10, $$total 'total'$$), (11, $$prefetch '-1'$$), (12, $$max_pages '-1'$$), (13, $$max_pages '2147483648'$$),
	(14, $$sort_param ''$$), (15, $$sort_nulls 'middle'$$), (16, $$connect_timeout '0'$$), (17, $$connect_timeout '30 d'$$), (18, $$connect_timeout '2 fortnights'$$),
	(19, $$stall_timeout '-1'$$), (20, $$max_retries '101'$$), (21, $$max_retry_wait '-1 s'$$), (22, $$rate_limit '1000001'$$), (23, $$max_record_size '1023'$$),
	(24, $$max_record_size '1 GB'$$), (25, $$buffer_size '65535'$$), (26, $$auth 'digest'$$), (27, $$auth 'oauth2', token_url 'http://h/t', scope ''$$),
	(28, $$auth 'oauth2', token_url 'ftp://h/t'$$), (29, $$ca_file ''$$), (30, $$proxy ''$$), (31, $$allow_hosts ''$$), (32, $$param_in_style 'twice'$$)) v(n, o) ORDER BY n;
SELECT o AS mapping_options, pg_temp.refused('CREATE USER MAPPING FOR PUBLIC SERVER fdw_options_ok OPTIONS (' || o || ')')
FROM (VALUES (1, $$base_url 'x'$$), (2, $$password 'x'$$), (3, $$token 'x', api_key 'y'$$),
	(4, E'token E''a\\nInjected: yes'''), (5, $$client_secret 'x'$$), (6, $$token ''$$), (7, $$user 'a:b', password 'c'$$),
	(8, $$client_id '', client_secret 'x'$$), (9, $$user '', password 'c'$$)) v(n, o) ORDER BY n;
SELECT o AS table_options, pg_temp.refused('CREATE FOREIGN TABLE fdw_options_bad (a int) SERVER fdw_options_ok OPTIONS (' || o || ')')
FROM (VALUES (1, $$path 'http://other/'$$), (2, $$path '//other/'$$), (3, $$path '/{a'$$), (4, $$path '/}'$$),
	(5, $$path '/a b'$$), (6, $$reject_limit '5'$$), (7, $$on_error 'skip', reject_limit '0'$$),
	(8, $$on_error 'maybe'$$), (9, $$format 'ndjson', records '/data'$$), (10, $$format 'xml'$$),
	(11, $$path '/x', path '/y'$$), (12, $$path '/x y?key=secret'$$)) v(n, o) ORDER BY n;
SELECT o AS column_options, pg_temp.refused('CREATE FOREIGN TABLE fdw_options_bad (a int OPTIONS (' || o || ')) SERVER fdw_options_ok')
FROM (VALUES (1, $$pointer 'a'$$), (2, $$pointer '#what'$$), (3, $$exact 'true'$$), (4, $$required 'true'$$),
	(5, $$pointer '#error', param 'e'$$), (6, $$param_in_style 'repeat'$$), (7, $$param 'a', exact 'perhaps'$$),
	(8, $$param E'a\nb'$$)) v(n, o) ORDER BY n;

-- a header that could not be sent whole is refused, and not shown
SELECT pg_temp.refused('CREATE SERVER fdw_options_bad FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url ''http://h'', headers ''X: ' || repeat('x', 4093) || ''')');

-- a superuser's options: not for others, neither directly nor by changing the server around them
CREATE ROLE regress_fdw_options;
GRANT USAGE ON FOREIGN DATA WRAPPER retrack_fdw TO regress_fdw_options;
SET ROLE regress_fdw_options;
SELECT o, pg_temp.refused('CREATE SERVER fdw_options_bad FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url ''http://h'', ' || o || ')')
FROM (VALUES ($$ca_file '/etc/passwd'$$), ($$client_cert '/x'$$), ($$proxy 'http://p'$$), ($$allow_hosts '169.254.169.254'$$)) v(o);
CREATE SERVER fdw_options_own FOREIGN DATA WRAPPER retrack_fdw OPTIONS (base_url 'http://h');
RESET ROLE;
ALTER SERVER fdw_options_own OPTIONS (ADD ca_file '/etc/ssl/ca.pem');
SET ROLE regress_fdw_options;
ALTER SERVER fdw_options_own OPTIONS (SET base_url 'http://elsewhere');
CREATE FOREIGN TABLE pg_temp.fdw_options_own (a int) SERVER fdw_options_own;
SELECT * FROM pg_temp.fdw_options_own;
RESET ROLE;
DROP SERVER fdw_options_own CASCADE;
DROP OWNED BY regress_fdw_options;
DROP ROLE regress_fdw_options;

-- what is missing shows when the table is read, before anything is sent
CREATE FOREIGN TABLE fdw_options_missing (a int) SERVER fdw_options_ok OPTIONS (pagination 'cursor');
ALTER SERVER fdw_options_ok OPTIONS (DROP next, DROP cursor_param);
SELECT * FROM fdw_options_missing;
ALTER SERVER fdw_options_ok OPTIONS (ADD next '/n', SET auth 'api_key');
SELECT * FROM fdw_options_missing;
-- who says how pages follow each other must say that there are pages
CREATE FOREIGN TABLE fdw_options_unpaged (a int) SERVER fdw_options_ok;
ALTER SERVER fdw_options_ok OPTIONS (DROP pagination);
SELECT * FROM fdw_options_unpaged;
ALTER SERVER fdw_options_ok OPTIONS (ADD pagination 'cursor');
DROP USER MAPPING FOR CURRENT_USER SERVER fdw_options_ok;
SELECT left(pg_temp.refused('SELECT * FROM fdw_options_missing'), 29);
-- EXPLAIN needs neither a mapping nor the network, and shows no secret
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM fdw_options_table WHERE a = 5 AND d >= '2025-01-01' AND d < '2025-02-01';
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM fdw_options_table WHERE a = NULL;
EXPLAIN (VERBOSE, COSTS OFF) SELECT a FROM fdw_options_table WHERE false;
DROP SERVER fdw_options_ok CASCADE;
