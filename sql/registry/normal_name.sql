CREATE FUNCTION retrack.normal_name(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 200
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $fn$
DECLARE
  -- Legal forms as they stand after punctuation is gone, as whole words at the end of a name.
  suffix CONSTANT text := ' (co|company|corp|corporation|inc|incorporated|ltd|ltda|limited|llc|llp|lp|plc|'
    'gmbh|mbh|ag|kg|kgaa|ohg|ug|ev|eg|se|sa|sas|sarl|sarlu|sa rl|srl|spa|sl|slu|bv|nv|vof|oy|oyj|ab|as|asa|aps|'
    'kk|yk|gk|kabushiki kaisha|pte|pty|pvt|private|public|sdn|bhd|tbk|jsc|ojsc|cjsc|pjsc|sp zoo|sp z oo|zrt|kft|'
    'doo|dd|sia|uab|sa de cv|and co)$';
  prefix CONSTANT text := '^(the|ooo|oao|ao|pao|zao|pt|kabushiki kaisha|sociedad anonima) ';
  result text := name;
  plain text;
  before text;
BEGIN
  IF getdatabaseencoding() = 'UTF8' THEN
    -- Compatibility decomposition makes full-width letters, ligatures and signs for "company" plain; Latin
    -- accents go. Letters are written as escapes of the pattern: the script stays ASCII.
    result := lower(normalize(regexp_replace(normalize(result, NFKD), '[\u0300-\u036F]', '', 'g'), NFKC));
    -- kabushiki kaisha, yugen kaisha and their short forms, gufen youxian gongsi, youxian zeren gongsi,
    -- youxian gongsi, jusik hoesa and its short form; in simplified and in traditional characters
    plain := regexp_replace(result, '\u682A\u5F0F[\u4F1A\u6703]\u793E|\u6709\u9650[\u4F1A\u6703]\u793E|\(\u682A\)|\(\u6709\)'
      '|\u80A1\u4EFD\u6709\u9650\u516C\u53F8|\u6709\u9650[\u8D23\u8CAC]\u4EFB\u516C\u53F8|\u6709\u9650\u516C\u53F8'
      '|\uC8FC\uC2DD\uD68C\uC0AC|\(\uC8FC\)', ' ', 'g');
    IF plain ~ '\S' THEN
      result := plain;
    END IF;
    -- letters that do not decompose: sharp s, o and l with stroke, ae, oe, d with stroke, i without dot; typographic quotes
    result := regexp_replace(regexp_replace(regexp_replace(result, '\u00DF', 'ss', 'g'), '[\u00D8\u00F8]', 'o', 'g'), '[\u0141\u0142]', 'l', 'g');
    result := regexp_replace(regexp_replace(regexp_replace(result, '[\u00C6\u00E6]', 'ae', 'g'), '[\u0152\u0153]', 'oe', 'g'), '[\u0110\u0111]', 'd', 'g');
    result := regexp_replace(result, '\u0131', 'i', 'g');
    result := regexp_replace(result, '[\u2018\u2019\u201C\u201D]', '', 'g');
    result := regexp_replace(result, '[\u00A0-\u00BF\u2000-\u206F\u3000-\u303F]+', ' ', 'g');
  END IF;
  result := lower(result);
  result := regexp_replace(result, '\+|&', ' and ', 'g');
  -- "Co.Ltd." is two words, the points of "S.p.A." are within one
  result := regexp_replace(result, '([a-z0-9]{2})\.(?=[a-z0-9]{2})', '\1 ', 'g');
  result := regexp_replace(result, '[.''`"]', '', 'g');
  -- What separates is listed, since what [:alnum:] is depends on the locale: in C, no Chinese name had any.
  result := btrim(regexp_replace(result, '[\x01-/:-@[-`{-\x7F]+', ' ', 'g'));
  -- Chinese, Japanese and Korean are written without spaces as well as with them
  IF getdatabaseencoding() = 'UTF8' THEN
    result := regexp_replace(result, '(?<=[\u3040-\u9FFF\uAC00-\uD7AF]) | (?=[\u3040-\u9FFF\uAC00-\uD7AF])', '', 'g');
  END IF;
  -- initials: "a s" is "as", however it was pointed
  result := regexp_replace(result, '\m([a-z0-9]) (?=[a-z0-9]\M)', '\1', 'g');
  LOOP
    before := result;
    result := regexp_replace(regexp_replace(result, suffix, ''), prefix, '');
    EXIT WHEN result = before;
  END LOOP;
  RETURN nullif(result, '');
END $fn$;
COMMENT ON FUNCTION retrack.normal_name(text) IS
'A company''s name in a form that does not depend on how it was spelled: Unicode compatibility forms, case, accents, punctuation, spaces and legal forms (GmbH, Co., Ltd., K.K., the Chinese, Japanese and Korean ones) do not count. ''Hitachi Metals, Ltd.'', ''HITACHI METALS LTD'' and the same in full-width letters give ''hitachi metals''. It does not correct misspellings, and does not translate, not even simplified characters into traditional ones. A name of legal forms alone keeps its last one; a name without a letter or digit gives NULL. NULL gives NULL. In a database whose encoding is not UTF8 the Unicode steps are left out.';
