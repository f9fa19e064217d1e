-- How long a session that waits for the network takes to be free after it was interrupted.
CREATE EXTENSION dblink;
CREATE TABLE interrupted (action text, state text, ms float8);

-- tries times: starts a query over w_<state> in another session, waits until it waits, interrupts it, and
-- notes the milliseconds until its error is here. A query that ends in another way is not noted.
CREATE FUNCTION interrupt(action text, state text, tries int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	connection CONSTANT text := format('host=%s port=%s dbname=%s user=%s', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database(), current_user);
	query CONSTANT text := format('SELECT count(*) FROM w_%s', state);
	other int;
	begun timestamptz;
	wanted CONSTANT text := CASE action WHEN 'terminate' THEN '%terminating connection%' WHEN 'cancel' THEN '%due to user request%' ELSE '%due to statement timeout%' END;
	failure text;
	ended timestamptz;
BEGIN
	FOR i IN 1 .. tries LOOP
		IF i = 1 OR action = 'terminate' THEN
			PERFORM dblink_connect('other', connection);
			SELECT pid INTO other FROM dblink('other', 'SELECT pg_backend_pid()') AS t(pid int);
			IF state = 'rate' THEN
				-- takes the one slot there is
				PERFORM * FROM dblink('other', query) AS t(n bigint);
			END IF;
			IF action = 'timeout' THEN
				PERFORM dblink_exec('other', 'SET statement_timeout = 30');
			END IF;
		END IF;
		begun := clock_timestamp();
		PERFORM dblink_send_query('other', query);
		IF action <> 'timeout' THEN
			PERFORM pg_sleep(CASE action WHEN 'cancel' THEN 0.02 ELSE 0.04 END);
			begun := clock_timestamp();
			PERFORM CASE action WHEN 'cancel' THEN pg_cancel_backend(other) ELSE pg_terminate_backend(other) END;
		END IF;
		PERFORM * FROM dblink_get_result('other', false) AS t(n bigint);
		ended := clock_timestamp();
		failure := dblink_error_message('other');
		IF failure LIKE wanted THEN
			INSERT INTO interrupted VALUES (action, state, extract(epoch FROM ended - begun) * 1000 - CASE action WHEN 'timeout' THEN 30 ELSE 0 END);
		END IF;
		IF action = 'terminate' OR i = tries THEN
			PERFORM dblink_disconnect('other');
		ELSE
			-- the end of the result
			PERFORM * FROM dblink_get_result('other', false) AS t(n bigint);
		END IF;
	END LOOP;
END $$;
