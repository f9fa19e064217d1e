-- Protects: bad text is a soft error where the server has them (16 and later): pg_input_is_valid answers, nothing is thrown.
SET search_path = retrack, public;
DO $$
DECLARE c record; ok boolean; state text;
BEGIN
  IF current_setting('server_version_num')::int < 160000 THEN RETURN; END IF;
  FOR c IN SELECT * FROM (VALUES ('element', 'Dy', NULL), ('element', 'Fe', '22P02'), ('licence_id', '06-AA-204966-Y', NULL), ('licence_id', '06-AA-204966-X', 'RTT02'), ('licence_id', 'x', '22P02'),
      ('mass', '1 kg', NULL), ('mass', '1 lb', '22P02'), ('mass', '1e30 t', '22003'), ('assay', 'Nd=1%', NULL), ('assay', 'Nd=1', NULL), ('assay', 'Nd=101%', 'RTT01'), ('assay', 'Nd=60%,Dy=60%', 'RTT01'),
      ('assay', 'Fe=1%', '22P02'), ('assay', 'Nd=-1%', '22003'), ('assay', 'Nd=1%,Nd=1%', '22P02'), ('assay', '{"Nd":', '22P02'), ('assay', '', '22P02'), ('assay', 'Nd=1%±200%', '22003')) v(type, input, expected) LOOP
    EXECUTE 'SELECT pg_input_is_valid($1, $2), (SELECT sql_error_code FROM pg_input_error_info($1, $2))' INTO ok, state USING c.input, 'retrack.' || c.type;
    IF ok <> (c.expected IS NULL) OR state IS DISTINCT FROM c.expected THEN RAISE INFO '% "%": % instead of %', c.type, c.input, state, c.expected; END IF;
  END LOOP;
END $$;
