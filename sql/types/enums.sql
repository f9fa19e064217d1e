CREATE TYPE retrack.flow AS ENUM ('opening', 'receipt', 'shipment', 'loss', 'closing');
COMMENT ON TYPE retrack.flow IS
  'how a movement enters a mass balance: opening inventory, receipt, shipment, loss, closing inventory';

CREATE TYPE retrack.stage AS ENUM
  ('mining', 'separation', 'smelting', 'alloying', 'magnet_making', 'recycling', 'trading');
COMMENT ON TYPE retrack.stage IS 'stage of the rare earth chain, in the order material passes it';

CREATE TYPE retrack.form AS ENUM
  ('ore', 'concentrate', 'oxide', 'compound', 'metal', 'alloy', 'target', 'magnet', 'scrap');
COMMENT ON TYPE retrack.form IS 'form of a rare earth material';

-- Core has GiST for ranges only: as a range of one value a text can stand in an exclusion
-- constraint beside a date range, without the extension btree_gist.
CREATE TYPE retrack.text_range AS RANGE (subtype = text, collation = "C");
COMMENT ON TYPE retrack.text_range IS
  'range of texts; text_range(x, x, ''[]'') WITH && is equality of x in an exclusion constraint';
