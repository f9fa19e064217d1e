-- Protects: the extension installs into schema retrack and nothing of it is left behind.
SELECT extversion, nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace
WHERE extname = 'retrack';
SELECT enum_range(NULL::retrack.flow);
