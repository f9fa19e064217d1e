-- Protects: the catalog entries of the extension as opr_sanity protects core's: what is declared of functions,
-- operators, casts and classes fits together, and every public object says what it is. Each query finds nothing, unless it says so.
CREATE TEMP VIEW own AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS what FROM pg_depend d JOIN pg_extension e ON d.refobjid = e.oid
WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'retrack';
CREATE TEMP VIEW own_proc AS SELECT p.*, p.oid::regprocedure AS name, l.lanname FROM pg_proc p JOIN own ON objid = p.oid AND classid = 'pg_proc'::regclass JOIN pg_language l ON l.oid = prolang;
CREATE TEMP VIEW own_oper AS SELECT o.*, o.oid::regoperator AS name FROM pg_operator o JOIN own ON objid = o.oid AND classid = 'pg_operator'::regclass;
SELECT count(*) > 300 AS functions FROM own_proc;
SELECT count(*) > 40 AS operators FROM own_oper;

-- Comments; arrays of our types, row types of our views and the casts of ranges to multiranges come by themselves.
SELECT what FROM own WHERE obj_description(objid, classid::regclass::name) IS NULL
  AND NOT EXISTS (SELECT FROM pg_type t WHERE classid = 'pg_type'::regclass AND t.oid = objid AND (t.typelem <> 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c')))
  AND NOT EXISTS (SELECT FROM pg_cast c JOIN pg_type t ON t.oid = c.casttarget WHERE classid = 'pg_cast'::regclass AND c.oid = objid AND t.typtype = 'm') ORDER BY 1;

-- Functions. Those that run with their owner's rights fix the path.
SELECT name FROM own_proc WHERE prosecdef AND NOT coalesce(proconfig::text LIKE '%search_path=%', false) ORDER BY name::text COLLATE "C";
-- Several declarations of one C function agree, and those of core's functions agree with core's (its hash functions could be leakproof, as ours say).
SELECT a.name, b.name AS other FROM own_proc a JOIN own_proc b ON a.oid < b.oid AND a.prosrc = b.prosrc AND a.lanname = 'c' AND b.lanname = 'c'
WHERE (a.provolatile, a.proisstrict, a.proparallel, a.proleakproof, a.prokind) <> (b.provolatile, b.proisstrict, b.proparallel, b.proleakproof, b.prokind);
SELECT p.name FROM own_proc p JOIN pg_proc c ON c.prosrc = p.prosrc AND c.prolang = p.prolang AND c.pronamespace = 'pg_catalog'::regnamespace
WHERE p.lanname = 'internal' AND p.prokind = 'f' AND ((p.provolatile, p.proisstrict, p.proparallel, p.pronargs, p.proretset) <> (c.provolatile, c.proisstrict, c.proparallel, c.pronargs, c.proretset)
  OR (p.proleakproof AND NOT c.proleakproof AND p.prosrc NOT LIKE 'hash%'));
-- What may run below a security barrier: comparisons and hashes, which neither fail nor print what they are given.
SELECT string_agg(DISTINCT regexp_replace(proname, '^(element|licence_id|mass|assay|balance)_', ''), ' ' ORDER BY regexp_replace(proname, '^(element|licence_id|mass|assay|balance)_', '')) AS leakproof FROM own_proc WHERE proleakproof;
-- What an index, an operator or an aggregate relies on never changes and may run in a worker.
SELECT name FROM own_proc p WHERE (provolatile <> 'i' OR proparallel <> 's') AND (
  EXISTS (SELECT FROM pg_amproc WHERE amproc = p.oid) OR EXISTS (SELECT FROM pg_operator WHERE oprcode = p.oid) OR EXISTS (SELECT FROM pg_cast WHERE castfunc = p.oid)
  OR EXISTS (SELECT FROM pg_aggregate WHERE p.oid IN (aggfnoid, aggtransfn, aggfinalfn, aggcombinefn, aggserialfn, aggdeserialfn, aggmtransfn, aggminvtransfn, aggmfinalfn))
  OR EXISTS (SELECT FROM pg_type WHERE p.oid IN (typinput, typoutput, typreceive, typsend)));
SELECT name FROM own_proc p WHERE NOT proisstrict AND (EXISTS (SELECT FROM pg_amproc WHERE amproc = p.oid) OR EXISTS (SELECT FROM pg_operator WHERE oprcode = p.oid) OR EXISTS (SELECT FROM pg_cast WHERE castfunc = p.oid));
-- An aggregate that can move computes the same type either way, and one whose state is internal can pass it between workers.
SELECT aggfnoid FROM pg_aggregate JOIN own_proc p ON p.oid = aggfnoid WHERE (aggmtransfn <> 0 AND (aggminvtransfn = 0 OR aggmtranstype <> aggtranstype))
  OR (p.proparallel = 's' AND aggkind = 'n' AND aggcombinefn <> 0 AND aggtranstype = 'internal'::regtype AND (aggserialfn = 0 OR aggdeserialfn = 0));

-- Operators: commutators and negators answer each other and take the same types; the estimators belong together.
SELECT o.name, c.oid::regoperator AS commutator FROM own_oper o JOIN pg_operator c ON c.oid = o.oprcom
WHERE c.oprcom <> o.oid OR c.oprleft <> o.oprright OR c.oprright <> o.oprleft OR c.oprresult <> o.oprresult;
SELECT o.name, n.oid::regoperator AS negator FROM own_oper o JOIN pg_operator n ON n.oid = o.oprnegate
WHERE n.oprnegate <> o.oid OR n.oprleft <> o.oprleft OR n.oprright <> o.oprright OR o.oprresult <> 'boolean'::regtype OR n.oid = o.oid;
SELECT o.name, o.oprrest, o.oprjoin FROM own_oper o
WHERE CASE WHEN o.oprresult <> 'boolean'::regtype THEN o.oprrest <> 0 OR o.oprjoin <> 0 WHEN o.oprname IN ('=', '<>', '<', '<=', '>', '>=') THEN
  (o.oprrest::text, o.oprjoin::text) <> (SELECT s || 'sel', s || 'joinsel' FROM (VALUES ('=', 'eq'), ('<>', 'neq'), ('<', 'scalarlt'), ('<=', 'scalarle'), ('>', 'scalargt'), ('>=', 'scalarge')) v(op, s) WHERE op = o.oprname)
  ELSE o.oprrest = 0 OR o.oprjoin = 0 END;
SELECT o.name FROM own_oper o WHERE o.oprname IN ('=', '<>', '<', '<=', '>', '>=') AND (o.oprcom = 0 OR o.oprnegate = 0);
-- = merges and hashes, and there are classes that can.
SELECT o.name FROM own_oper o WHERE o.oprname = '=' AND (NOT o.oprcanmerge OR NOT o.oprcanhash
  OR NOT EXISTS (SELECT FROM pg_amop JOIN pg_am ON pg_am.oid = amopmethod WHERE amopopr = o.oid AND amname = 'btree' AND amopstrategy = 3)
  OR NOT EXISTS (SELECT FROM pg_amop JOIN pg_am ON pg_am.oid = amopmethod WHERE amopopr = o.oid AND amname = 'hash'));
-- An operator that commutes or negates runs a function labelled as its partner's.
SELECT o.name FROM own_oper o JOIN pg_operator p ON p.oid IN (o.oprcom, o.oprnegate) JOIN pg_proc f ON f.oid = o.oprcode JOIN pg_proc g ON g.oid = p.oprcode
WHERE (f.provolatile, f.proisstrict, f.proleakproof, f.proparallel) <> (g.provolatile, g.proisstrict, g.proleakproof, g.proparallel);

-- Every base type compares, hashes, and has a binary form; every class is valid.
SELECT t.oid::regtype FROM pg_type t JOIN own ON objid = t.oid AND classid = 'pg_type'::regclass WHERE t.typtype = 'b' AND t.typelem = 0
  AND (t.typreceive = 0 OR t.typsend = 0 OR (SELECT count(*) FROM pg_opclass JOIN pg_am ON pg_am.oid = opcmethod WHERE opcintype = t.oid AND opcdefault AND amname IN ('btree', 'hash')) <> 2);
SELECT c.opcname FROM pg_opclass c JOIN own ON objid = c.oid AND classid = 'pg_opclass'::regclass WHERE NOT amvalidate(c.oid);
