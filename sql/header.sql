-- complain if the script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION retrack" to load this file. \quit


-- Types, operators and functions are for everyone; who may see which books is decided on the books' own schema.
GRANT USAGE ON SCHEMA @extschema@ TO PUBLIC;
