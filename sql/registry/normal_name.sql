CREATE FUNCTION retrack.normal_name(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 200 SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
  -- Legal forms as they stand after punctuation is gone, as whole words at the end of a name.
  suffix CONSTANT text := ' (co|company|corp|corporation|inc|incorporated|ltd|ltda|limited|llc|llp|lp|plc|'
    'gmbh|mbh|ag|kg|kgaa|ohg|ug|ev|eg|se|sa|sas|sarl|sarlu|srl|spa|sl|slu|bv|nv|vof|oy|oyj|ab|as|asa|aps|'
    'kk|yk|gk|kabushiki kaisha|pte|pty|pvt|private|public|sdn|bhd|tbk|jsc|ojsc|cjsc|pjsc|sp zoo|zrt|kft|'
    'doo|dd|sia|uab|sa de cv|and co)$';
  prefix CONSTANT text := '^(the|ooo|oao|ao|pao|zao|pt|kabushiki kaisha|sociedad anonima) ';
  result text := name;
  before text;
BEGIN
  IF getdatabaseencoding() = 'UTF8' THEN
    -- Compatibility decomposition makes full-width letters, ligatures and ㈱ plain; Latin accents go.
    result := normalize(regexp_replace(normalize(result, NFKD), U&'[\0300-\036F]', '', 'g'), NFKC);
  END IF;
  result := lower(result);
  result := regexp_replace(result, '株式会社|有限会社|\(株\)|\(有\)|股份有限公司|有限责任公司|有限公司|주식회사|\(주\)', ' ', 'g');
  result := replace(replace(replace(result, 'ß', 'ss'), 'ø', 'o'), 'ł', 'l');
  result := regexp_replace(result, '\+|&', ' and ', 'g');
  result := regexp_replace(result, '[.''’`´"“”]', '', 'g');
  result := btrim(regexp_replace(result, '[^[:alnum:]]+', ' ', 'g'));
  -- initials: "a s" is "as", however it was pointed
  result := regexp_replace(result, '\m([[:alnum:]]) (?=[[:alnum:]]\M)', '\1', 'g');
  LOOP
    before := result;
    result := regexp_replace(regexp_replace(result, suffix, ''), prefix, '');
    EXIT WHEN result = before;
  END LOOP;
  RETURN nullif(result, '');
END $fn$;
COMMENT ON FUNCTION retrack.normal_name(text) IS
'A company''s name in a form that does not depend on how it was spelled: Unicode compatibility forms, case, accents, punctuation, spaces and legal forms (GmbH, Co., Ltd., K.K., 有限公司, ...) do not count. ''Hitachi Metals, Ltd.'', ''HITACHI METALS LTD'' and ''Ｈｉｔａｃｈｉ　Ｍｅｔａｌｓ'' give ''hitachi metals''. It does not correct misspellings and does not translate. A name of legal forms alone keeps its last one; a name without a letter or digit gives NULL. NULL gives NULL. In a database whose encoding is not UTF8 the Unicode steps are left out.';
