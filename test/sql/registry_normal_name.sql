-- Protects: one client spelled several ways is one; two clients stay two.
CREATE TEMP TABLE spelling (client int, name text);
INSERT INTO spelling VALUES
  (1, 'Hitachi Metals, Ltd.'), (1, 'HITACHI METALS LTD'), (1, 'Ｈｉｔａｃｈｉ　Ｍｅｔａｌｓ'), (1, '  hitachi  metals  co., ltd. '),
  (2, 'Vacuumschmelze GmbH & Co. KG'), (2, 'VACUUMSCHMELZE GMBH'), (2, 'Vacuumschmelze G.m.b.H.'), (2, 'Vacuumschmelze'),
  (3, 'Müller Magnettechnik AG'), (3, 'MULLER MAGNETTECHNIK A.G.'), (3, U&'Mu\0308ller-Magnettechnik'),
  (4, '信越化学工業株式会社'), (4, '信越化学工業㈱'), (4, '株式会社信越化学工業'),
  (5, '包头天和磁材有限公司'), (5, '包头天和磁材股份有限公司'),
  (6, 'S.p.A. Foo S.p.A.'), (6, 'S.p.A. foo'),
  (7, 'A & B Motors Inc'), (7, 'A and B Motors, Inc.'), (7, 'The A＆B Motors Corporation'),
  (8, 'Hitachi Metal'), (9, 'Company'), (9, 'Company Ltd'), (10, 'Foo A/S'), (10, 'Foo AS'), (10, 'foo'),
  (13, 'Ørsted Æble AS'), (13, 'ORSTED AEBLE A/S'), (14, 'Straßen AG'), (14, 'STRASSEN'), (15, '(주)성림첨단산업'), (15, '주식회사 성림첨단산업'),
  (1, 'Hitachi Metals Co.Ltd.'), (2, 'Vacuumschmelze GmbH&Co.KG'), (4, '信越化学工業株式會社'), (5, '包头天和磁材有限責任公司'),
  (16, 'ＡＢＣ（中国）有限公司'), (16, 'ABC (中国) 有限公司'), (16, 'abc中国有限公司'), (17, 'Foo Lux S.à r.l.'), (17, 'FOO LUX SARL'), (17, 'Foo Lux Sàrl'),
  (18, 'Baz Magnesy Sp. z o.o.'), (18, 'BAZ MAGNESY SP ZOO'), (19, 'İstanbul Mıknatıs A.Ş.'), (19, 'ISTANBUL MIKNATIS AS'),
  (20, 'Shin-Etsu Chemical Co., Ltd.'), (20, 'SHIN ETSU CHEMICAL CO LTD'), (20, 'Shin–Etsu Chemical Company Limited'), (20, 'Shin‑Etsu　Chemical　Ｃｏ．，Ｌｔｄ．'), (20, 'Shin-Etsu Chemical Co.,LTD'),
  (21, 'Bar (Pty) Ltd'), (21, 'BAR PTY. LTD'), (22, '有限公司'), (23, '中国稀土集团有限公司'), (23, '中国稀土集团'),
  (11, 'L''Oréal S.A.'), (11, 'L’OREAL SA'), (12, 'Industria Rara S. A. de C. V.');
-- every client has one normal name and no two clients share one
SELECT client, count(DISTINCT retrack.normal_name(name)) AS names, min(retrack.normal_name(name)) AS name
FROM spelling GROUP BY client ORDER BY client;
SELECT a.name, b.name FROM spelling a JOIN spelling b ON a.client < b.client
WHERE retrack.normal_name(a.name) = retrack.normal_name(b.name);
-- normal names are their own normal names
SELECT name FROM spelling WHERE retrack.normal_name(retrack.normal_name(name)) IS DISTINCT FROM retrack.normal_name(name);
SELECT retrack.normal_name(NULL) IS NULL AS null_in, retrack.normal_name('') IS NULL AS empty,
       retrack.normal_name(' ..,-- ') IS NULL AS punctuation, retrack.normal_name('3M') AS digits;
-- deterministic enough for an index
CREATE INDEX ON spelling (retrack.normal_name(name));
DROP TABLE spelling;
