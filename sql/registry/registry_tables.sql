-- The tables of a registry. The functions here run as steps of create_registry with the caller's
-- rights, so the caller owns what they make. Their search_path is fixed: operators on retrack's
-- types resolve to retrack's, and the stored definitions do not depend on anyone's search_path.

CREATE TYPE retrack.stage_range AS RANGE (subtype = retrack.stage);
COMMENT ON TYPE retrack.stage_range IS
  'range of stages; stage_range(x, x, ''[]'') WITH && is equality of x in an exclusion constraint';

CREATE TYPE retrack.form_range AS RANGE (subtype = retrack.form);
COMMENT ON TYPE retrack.form_range IS
  'range of forms; form_range(x, x, ''[]'') WITH && is equality of x in an exclusion constraint';

-- What CREATE TYPE ... AS RANGE makes beside the type.
DO $do$
DECLARE
  t text;
BEGIN
  FOREACH t IN ARRAY ARRAY['text', 'stage', 'form'] LOOP
    EXECUTE format($ddl$
COMMENT ON FUNCTION retrack.%1$s_range(%2$s, %2$s) IS 'range of %1$ss from the first, included, to the second, not included; NULL: no bound. 22000 if the first is above the second';
COMMENT ON FUNCTION retrack.%1$s_range(%2$s, %2$s, text) IS
  'range of %1$ss; the third argument says which ends are included: [] [) (] (). NULL: no bound; 22000 for a NULL third argument or if the first is above the second, 42601 for another text';
COMMENT ON TYPE retrack.%1$s_multirange IS 'set of ranges of %1$ss';
COMMENT ON FUNCTION retrack.%1$s_multirange() IS 'the empty set of ranges';
COMMENT ON FUNCTION retrack.%1$s_multirange(retrack.%1$s_range) IS 'the set of one range; NULL: NULL';
COMMENT ON FUNCTION retrack.%1$s_multirange(VARIADIC retrack.%1$s_range[]) IS 'the set of these ranges; a NULL array: NULL, 22004 for a NULL in it';
COMMENT ON CAST (retrack.%1$s_range AS retrack.%1$s_multirange) IS 'the set of one range';
$ddl$, t, CASE t WHEN 'text' THEN t ELSE 'retrack.' || t END);
  END LOOP;
END $do$;

-- Who and where. Reported tables carry the version that is in force, the time the source changed it
-- (what an incremental pull follows) and whether the reporter withdrew it.
CREATE FUNCTION retrack.create_registry_parties(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
CREATE TABLE %1$I.party (
  party_id text PRIMARY KEY CHECK (party_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  name text NOT NULL CHECK (name <> ''),
  country text CHECK (retrack.is_capitals(country, 2)),
  parent text REFERENCES %1$I.party CHECK (parent <> party_id),
  kind text NOT NULL DEFAULT 'company' CHECK (kind <> ''),
  reporting daterange CHECK (NOT isempty(reporting)),
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX party_parent_idx ON %1$I.party (parent) WHERE parent IS NOT NULL;

CREATE TABLE %1$I.facility (
  facility_id text PRIMARY KEY CHECK (facility_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  party_id text NOT NULL REFERENCES %1$I.party,
  name text,
  stage retrack.stage NOT NULL,
  province text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX facility_party_id_idx ON %1$I.facility (party_id);

CREATE TABLE %1$I.instrument (
  instrument text PRIMARY KEY CHECK (instrument <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  facility_id text REFERENCES %1$I.facility,
  kind text,
  random_rsd double precision NOT NULL DEFAULT 0 CHECK (random_rsd BETWEEN 0 AND 1),
  systematic_rsd double precision NOT NULL DEFAULT 0 CHECK (systematic_rsd BETWEEN 0 AND 1),
  valid daterange NOT NULL DEFAULT '(,)' CHECK (NOT isempty(valid)),
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX instrument_facility_id_idx ON %1$I.instrument (facility_id);
$ddl$, registry);
END $fn$;

-- Separation's quota covers every class of ore; who writes it down leaves the class empty.
CREATE FUNCTION retrack.any_ore_class() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $fn$
BEGIN
  NEW.ore_class := 'any';
  RETURN NEW;
END $fn$;
COMMENT ON FUNCTION retrack.any_ore_class() IS
  'row trigger of a registry''s quota: a quota without ore class is one for any';

-- What an authority granted. drawn and uses are ledgers that the rules keep: no index covers them and
-- pages have room, so that drawing is a HOT update. There is no check that drawn stays below granted:
-- a licence may lawfully be cut below what is drawn, and the rules refuse every draw past it.
CREATE FUNCTION retrack.create_registry_grants(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
CREATE TABLE %1$I.licence (
  licence retrack.licence_id PRIMARY KEY,
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  kind text NOT NULL CHECK (kind IN ('individual', 'general', 'certificate')),
  holder text NOT NULL REFERENCES %1$I.party,
  valid daterange NOT NULL CHECK (NOT isempty(valid)),
  status text NOT NULL CHECK (status IN ('pending', 'issued', 'suspended', 'revoked', 'surrendered')),
  issued_on date,
  max_uses integer CHECK (max_uses > 0),
  uses integer NOT NULL DEFAULT 0 CONSTRAINT licence_uses_not_negative CHECK (uses >= 0),
  destinations text[] DEFAULT '{}' CHECK (array_position(destinations, NULL) IS NULL),
  trade_mode text,
  contract_no text,
  port text,
  transport text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);
CREATE INDEX licence_holder_idx ON %1$I.licence (holder);

CREATE TABLE %1$I.licence_item (
  licence retrack.licence_id NOT NULL REFERENCES %1$I.licence,
  line integer NOT NULL CHECK (line > 0),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  control_code text NOT NULL CHECK (control_code <> ''),
  hs_code text CHECK (retrack.is_digits(hs_code, 6, 10)),
  form retrack.form NOT NULL,
  granted retrack.mass NOT NULL,
  drawn retrack.mass NOT NULL DEFAULT '0',
  tolerance numeric NOT NULL DEFAULT 0 CHECK (tolerance BETWEEN 0 AND 1),
  specification text,
  price numeric CHECK (price >= 0 AND price < 'Infinity'),
  currency text CHECK (retrack.is_capitals(currency, 3)),
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false,
  PRIMARY KEY (licence, line),
  CONSTRAINT licence_item_granted_not_negative CHECK (granted >= '0'),
  CONSTRAINT licence_item_drawn_not_negative CHECK (drawn >= '0')
) WITH (fillfactor = 50);

CREATE TABLE %1$I.licence_party (
  licence retrack.licence_id NOT NULL REFERENCES %1$I.licence,
  party_id text NOT NULL REFERENCES %1$I.party,
  role text NOT NULL CHECK (role IN ('consignee', 'end_user')),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false,
  PRIMARY KEY (licence, role, party_id)
);
CREATE INDEX licence_party_party_id_idx ON %1$I.licence_party (party_id);

CREATE TABLE %1$I.licence_application (
  application_id text PRIMARY KEY CHECK (application_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  applicant text NOT NULL REFERENCES %1$I.party,
  kind text NOT NULL DEFAULT 'individual' CHECK (kind IN ('individual', 'general', 'certificate')),
  control_code text,
  destination text CHECK (retrack.is_capitals(destination, 2)),
  applied_on date NOT NULL,
  decided_on date CHECK (decided_on >= applied_on),
  outcome text CHECK (outcome IN ('granted', 'refused', 'withdrawn')),
  licence retrack.licence_id,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false,
  CHECK ((decided_on IS NULL) = (outcome IS NULL))
);
CREATE INDEX licence_application_applicant_idx ON %1$I.licence_application (applicant);

CREATE TABLE %1$I.quota (
  quota_id text PRIMARY KEY CHECK (quota_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  holder text NOT NULL REFERENCES %1$I.party,
  stage retrack.stage NOT NULL,
  ore_class text NOT NULL DEFAULT 'any' CHECK (ore_class IN ('rock', 'ionic', 'any')),
  period daterange NOT NULL CHECK (NOT isempty(period)),
  granted retrack.mass NOT NULL,
  drawn retrack.mass NOT NULL DEFAULT '0',
  source text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false,
  CONSTRAINT quota_granted_not_negative CHECK (granted >= '0'),
  CONSTRAINT quota_drawn_not_negative CHECK (drawn >= '0'),
  CONSTRAINT quota_one_per_holder EXCLUDE USING gist (
    retrack.text_range(holder, holder, '[]') WITH &&,
    retrack.stage_range(stage, stage, '[]') WITH &&,
    retrack.text_range(ore_class, ore_class, '[]') WITH &&,
    period WITH &&) WHERE (NOT withdrawn)
) WITH (fillfactor = 50);
CREATE INDEX quota_holder_idx ON %1$I.quota (holder, stage);
CREATE TRIGGER retrack_any_ore_class BEFORE INSERT OR UPDATE ON %1$I.quota
  FOR EACH ROW WHEN (NEW.ore_class IS NULL) EXECUTE FUNCTION retrack.any_ore_class();
$ddl$, registry);
END $fn$;

-- Reference data that can be wrong or change, effective-dated.
CREATE FUNCTION retrack.create_registry_reference(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
CREATE TABLE %1$I.control_list (
  code text NOT NULL CHECK (code <> ''),
  element retrack.element NOT NULL,
  form retrack.form NOT NULL,
  threshold numeric NOT NULL DEFAULT 0 CHECK (threshold BETWEEN 0 AND 1),
  with_elements retrack.element[] NOT NULL DEFAULT '{}' CHECK (array_position(with_elements, NULL) IS NULL),
  guard numeric NOT NULL DEFAULT 0 CHECK (guard BETWEEN -10 AND 10),
  valid daterange NOT NULL CHECK (NOT isempty(valid)),
  suspended datemultirange NOT NULL DEFAULT '{}',
  source text NOT NULL,
  PRIMARY KEY (code, element, form, valid),
  CONSTRAINT control_list_one_at_a_time EXCLUDE USING gist (
    retrack.text_range(code, code, '[]') WITH &&,
    int4range(retrack.atomic_number(element), retrack.atomic_number(element), '[]') WITH &&,
    retrack.form_range(form, form, '[]') WITH &&,
    valid WITH &&)
);
CREATE INDEX control_list_element_idx ON %1$I.control_list (element, form);

CREATE TABLE %1$I.hs_code (
  hs_code text NOT NULL CHECK (retrack.is_digits(hs_code, 6, 10)),
  form retrack.form NOT NULL,
  elements retrack.element[] NOT NULL DEFAULT '{}',
  source text NOT NULL,
  PRIMARY KEY (hs_code, form)
);

CREATE TABLE %1$I.reporting_deadline (
  valid daterange PRIMARY KEY CHECK (NOT isempty(valid)),
  months_after integer NOT NULL CHECK (months_after >= 0),
  day_of_month integer NOT NULL CHECK (day_of_month BETWEEN 1 AND 28),
  time_zone text NOT NULL CHECK (timestamptz '2000-01-01 00:00+00' AT TIME ZONE time_zone IS NOT NULL),
  source text NOT NULL,
  CONSTRAINT reporting_deadline_one_at_a_time EXCLUDE USING gist (valid WITH &&)
);

CREATE TABLE %1$I.setting (
  name text PRIMARY KEY,
  value numeric NOT NULL,
  unit text NOT NULL,
  note text NOT NULL
);

CREATE TABLE %1$I.registry_role (
  role name NOT NULL,
  kind text NOT NULL CHECK (kind IN ('producer', 'regulator', 'analyst')),
  party_id text REFERENCES %1$I.party,
  granted_at timestamptz NOT NULL DEFAULT now(),
  CHECK ((kind = 'producer') = (party_id IS NOT NULL))
);
CREATE UNIQUE INDEX registry_role_key ON %1$I.registry_role (role, kind, (coalesce(party_id, '')));
ALTER TABLE %1$I.registry_role REPLICA IDENTITY FULL;
$ddl$, registry);
END $fn$;

-- What parties report. References to what another party reports (lots, the other side of a delivery,
-- clients) are not foreign keys: reports arrive in any order, and one party's lateness must not refuse
-- another's honest row; lot_graph and the detection views show what does not match. A shipment's
-- licence is checked by enforce_licence, which tells more than a foreign key can.
-- Years past 9999 are slips of the pen that timestamps do not reach: one such row would break every view that
-- sums by month. Infinite dates are the rules' to refuse. So with masses that views add up, which no delivery has (10 million
-- tonnes), and with values that are no number: two such rows, of anybody's, would leave everybody without the sum.
CREATE FUNCTION retrack.create_registry_reports(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
CREATE TABLE %1$I.lot (
  lot_id text PRIMARY KEY CHECK (lot_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  facility_id text NOT NULL REFERENCES %1$I.facility,
  form retrack.form NOT NULL,
  assay retrack.assay,
  mass retrack.mass NOT NULL CHECK (mass >= '0'),
  created_on date NOT NULL CHECK (created_on < '10000-01-01' OR NOT isfinite(created_on)),
  origin text CHECK (origin IN ('mined', 'imported', 'by_product', 'recycled', 'processed')),
  instrument text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX lot_facility_id_idx ON %1$I.lot (facility_id, created_on);

CREATE TABLE %1$I.lot_edge (
  input_lot text NOT NULL,
  output_lot text NOT NULL,
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  mass retrack.mass NOT NULL CHECK (mass >= '0'),
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false,
  PRIMARY KEY (output_lot, input_lot),
  CONSTRAINT lot_edge_not_itself CHECK (input_lot <> output_lot)
);
CREATE INDEX lot_edge_input_lot_idx ON %1$I.lot_edge (input_lot);

CREATE TABLE %1$I.production (
  production_id text PRIMARY KEY CHECK (production_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  facility_id text NOT NULL REFERENCES %1$I.facility,
  produced_on date NOT NULL CHECK (produced_on < '10000-01-01' OR NOT isfinite(produced_on)),
  stage retrack.stage NOT NULL,
  ore_class text CHECK (ore_class IN ('rock', 'ionic', 'imported', 'by_product')),
  form retrack.form NOT NULL,
  assay retrack.assay,
  mass retrack.mass NOT NULL CHECK (mass >= '0'),
  lot_id text,
  instrument text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX production_facility_id_idx ON %1$I.production (facility_id, produced_on);
CREATE INDEX production_lot_id_idx ON %1$I.production (lot_id);

CREATE TABLE %1$I.transfer (
  transfer_id text NOT NULL CHECK (transfer_id <> ''),
  reported_by text NOT NULL REFERENCES %1$I.party,
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  shipper text NOT NULL,
  receiver text NOT NULL,
  from_facility text,
  to_facility text,
  client_name text,
  transferred_on date NOT NULL CHECK (transferred_on < '10000-01-01' OR NOT isfinite(transferred_on)),
  form retrack.form NOT NULL,
  assay retrack.assay,
  mass retrack.mass NOT NULL CHECK (mass BETWEEN '0' AND '10000000 t'),
  lot_id text,
  instrument text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false,
  PRIMARY KEY (transfer_id, reported_by),
  CONSTRAINT transfer_by_one_of_the_two CHECK (reported_by IN (shipper, receiver))
);
CREATE INDEX transfer_reported_by_idx ON %1$I.transfer (reported_by, transferred_on);
CREATE INDEX transfer_lot_id_idx ON %1$I.transfer (lot_id);

CREATE TABLE %1$I.shipment (
  shipment_id text PRIMARY KEY CHECK (shipment_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  shipped_on date NOT NULL CHECK (shipped_on < '10000-01-01' OR NOT isfinite(shipped_on)),
  exporter text NOT NULL REFERENCES %1$I.party,
  facility_id text REFERENCES %1$I.facility,
  consignee text,
  end_user text,
  client_name text,
  destination text NOT NULL CHECK (retrack.is_capitals(destination, 2)),
  licence retrack.licence_id,
  control_code text,
  hs_code text CHECK (retrack.is_digits(hs_code, 6, 10)),
  form retrack.form NOT NULL,
  assay retrack.assay,
  net_mass retrack.mass NOT NULL CHECK (net_mass BETWEEN '0' AND '10000000 t'),
  lot_id text,
  value numeric CHECK (value >= 0 AND value < 'Infinity'),
  currency text CHECK (retrack.is_capitals(currency, 3)),
  contract_no text,
  port text,
  transport text,
  instrument text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX shipment_exporter_idx ON %1$I.shipment (exporter, shipped_on);
CREATE INDEX shipment_licence_idx ON %1$I.shipment (licence) WHERE licence IS NOT NULL;
CREATE INDEX shipment_shipped_on_idx ON %1$I.shipment USING brin (shipped_on);
CREATE INDEX shipment_lot_id_idx ON %1$I.shipment (lot_id);

CREATE TABLE %1$I.inventory (
  inventory_id text PRIMARY KEY DEFAULT gen_random_uuid()::text CHECK (inventory_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  facility_id text NOT NULL REFERENCES %1$I.facility,
  period daterange NOT NULL CHECK (NOT isempty(period))
    CHECK (coalesce(upper(period), lower(period), '-infinity') < '10000-01-01'),
  form retrack.form NOT NULL,
  assay retrack.assay,
  mass retrack.mass NOT NULL CHECK (mass >= '0'),
  instrument text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX inventory_facility_id_idx ON %1$I.inventory (facility_id, period);

CREATE TABLE %1$I.loss (
  loss_id text PRIMARY KEY CHECK (loss_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  facility_id text NOT NULL REFERENCES %1$I.facility,
  lost_on date NOT NULL CHECK (lost_on < '10000-01-01' OR NOT isfinite(lost_on)),
  form retrack.form NOT NULL,
  assay retrack.assay,
  mass retrack.mass NOT NULL CHECK (mass >= '0'),
  reason text,
  instrument text,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX loss_facility_id_idx ON %1$I.loss (facility_id, lost_on);

CREATE TABLE %1$I.invoice (
  invoice_id text PRIMARY KEY CHECK (invoice_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  seller text NOT NULL,
  buyer text,
  client_name text,
  issued_on date NOT NULL CHECK (issued_on < '10000-01-01' OR NOT isfinite(issued_on)),
  transfer_id text,
  shipment_id text,
  form retrack.form,
  mass retrack.mass NOT NULL CHECK (mass BETWEEN '0' AND '10000000 t'),
  value numeric CHECK (value >= 0 AND value < 'Infinity'),
  vat numeric CHECK (vat >= 0 AND vat < 'Infinity'),
  currency text CHECK (retrack.is_capitals(currency, 3)),
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX invoice_seller_idx ON %1$I.invoice (seller, issued_on);
CREATE INDEX invoice_transfer_id_idx ON %1$I.invoice (transfer_id);

CREATE TABLE %1$I.customs_declaration (
  declaration_id text PRIMARY KEY CHECK (declaration_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  declared_on date NOT NULL CHECK (declared_on < '10000-01-01' OR NOT isfinite(declared_on)),
  declarant text NOT NULL,
  shipment_id text,
  licence retrack.licence_id,
  client_name text,
  destination text CHECK (retrack.is_capitals(destination, 2)),
  hs_code text CHECK (retrack.is_digits(hs_code, 6, 10)),
  net_mass retrack.mass NOT NULL CHECK (net_mass BETWEEN '0' AND '10000000 t'),
  value numeric CHECK (value >= 0 AND value < 'Infinity'),
  currency text CHECK (retrack.is_capitals(currency, 3)),
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false
);
CREATE INDEX customs_declaration_declarant_idx ON %1$I.customs_declaration (declarant, declared_on);
CREATE INDEX customs_declaration_shipment_id_idx ON %1$I.customs_declaration (shipment_id);

CREATE TABLE %1$I.submission (
  submission_id text NOT NULL CHECK (submission_id <> ''),
  version integer NOT NULL DEFAULT 1 CHECK (version > 0),
  producer text NOT NULL REFERENCES %1$I.party,
  period daterange NOT NULL CHECK (NOT isempty(period))
    CHECK (coalesce(upper(period), lower(period), '-infinity') < '10000-01-01'),
  submitted_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  withdrawn boolean NOT NULL DEFAULT false,
  PRIMARY KEY (submission_id, version)
);
CREATE INDEX submission_producer_idx ON %1$I.submission (producer, period, version);
$ddl$, registry);
END $fn$;

-- What the machinery writes down: broken rules of mode=record, and the state of pulls.
CREATE FUNCTION retrack.create_registry_records(registry name) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, retrack, pg_temp AS $fn$
BEGIN
  EXECUTE format($ddl$
CREATE TABLE %1$I.violation (
  violation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  rule text NOT NULL,
  relation text NOT NULL,
  row_key text,
  message text NOT NULL,
  detail text
);
CREATE INDEX violation_relation_idx ON %1$I.violation (relation, row_key);

CREATE TABLE %1$I.pull_state (
  target text NOT NULL,
  source text NOT NULL,
  high_water text,
  row_position text,
  resumed_from text,
  running boolean NOT NULL DEFAULT false,
  started_at timestamptz,
  pulled_at timestamptz,
  batches bigint NOT NULL DEFAULT 0 CHECK (batches >= 0),
  landed bigint NOT NULL DEFAULT 0 CHECK (landed >= 0),
  rejected bigint NOT NULL DEFAULT 0 CHECK (rejected >= 0),
  PRIMARY KEY (target, source)
);

CREATE TABLE %1$I.pull_reject (
  reject_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
  target text NOT NULL,
  source text,
  record json,
  sqlstate text NOT NULL CHECK (sqlstate ~ '^[0-9A-Z]{5}$'),
  message text NOT NULL,
  detail text,
  page bigint,
  pointer text,
  row_key text,
  row_version text,
  row_values jsonb,
  whole boolean NOT NULL DEFAULT false,
  record_hash text,
  rejected_at timestamptz NOT NULL DEFAULT now(),
  retried_at timestamptz,
  resolved_at timestamptz
);
CREATE UNIQUE INDEX pull_reject_once ON %1$I.pull_reject (target, record_hash) WHERE resolved_at IS NULL;
$ddl$, registry);
END $fn$;
