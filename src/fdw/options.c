/*
 * fdw/options.c
 *		Validator of retrack_fdw's options, and the options of a scan.
 */
#include "fdw/options.h"

#include "access/htup_details.h"
#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "fdw/option_table.h"
#include "fdw/url.h"

PG_FUNCTION_INFO_V1(retrack_fdw_validator);

static int
place_of_catalog(Oid catalog)
{
	switch (catalog)
	{
		case ForeignServerRelationId:
			return OPT_SERVER;
		case UserMappingRelationId:
			return OPT_MAPPING;
		case ForeignTableRelationId:
			return OPT_TABLE;
		case AttributeRelationId:
			return OPT_COLUMN;
		default:
			return 0;
	}
}

static void
refuse_unknown_option(const char *name, int place)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < rt_option_count; i++)
		if (rt_option_table[i].flags & place)
			appendStringInfo(&list, "%s%s", list.len ? ", " : "", rt_option_table[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", name),
			 list.len ? errhint("Valid options in this context are: %s.", list.data)
			 : errhint("There are no valid options in this context.")));
}

static const char *
option_value(List *options, const char *name)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);

		if (strcmp(def->defname, name) == 0)
			return defGetString(def);
	}
	return NULL;
}

static void
refuse_contradiction(const char *option, const char *reason)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("option \"%s\" contradicts the others", option),
			 errdetail("%s", reason)));
}

/* option stands in the list, needs is not what the list says. */
static void
check_needs(List *options, const char *option, const char *needs, const char *value,
			bool only_if_stated)
{
	const char *stated = option_value(options, needs);

	if (option_value(options, option) == NULL || (stated == NULL && only_if_stated))
		return;
	if (stated == NULL || (value != NULL && strcmp(stated, value) != 0))
		refuse_contradiction(option, value ? psprintf("It needs %s '%s'.", needs, value)
							 : psprintf("It needs option \"%s\".", needs));
}

static void
check_paging(List *options)
{
	static const char *const sizes[] = {"limit_param", "page_size"};
	const char *pagination = option_value(options, "pagination");

	check_needs(options, "cursor_param", "pagination", "cursor", true);
	check_needs(options, "page_param", "pagination", "page", true);
	check_needs(options, "first_page", "pagination", "page", true);
	check_needs(options, "offset_param", "pagination", "offset", true);
	if (pagination == NULL || strcmp(pagination, "none") != 0)
		return;
	if (option_value(options, "next"))
		refuse_contradiction("next", "With pagination 'none' there is no next page.");
	for (int i = 0; i < (int) lengthof(sizes); i++)
		if (option_value(options, sizes[i]))
			refuse_contradiction(sizes[i], "With pagination 'none' no part of the records is asked for, so that none is missed.");
}

static void
check_server(List *options)
{
	const char *auth = option_value(options, "auth");

	if (option_value(options, "base_url") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("option \"base_url\" is required"),
				 errhint("Name the API's root, as in OPTIONS (base_url 'https://api.example.org/v1').")));
	check_paging(options);
	check_needs(options, "token_url", "auth", "oauth2", false);
	check_needs(options, "scope", "auth", "oauth2", false);
	check_needs(options, "api_key_header", "auth", "api_key", false);
	check_needs(options, "client_key", "client_cert", NULL, false);
	if (auth && strcmp(auth, "oauth2") == 0 && option_value(options, "token_url") == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
				 errmsg("auth 'oauth2' needs option \"token_url\"")));
}

static void
check_mapping(List *options)
{
	int			kinds = (option_value(options, "token") != NULL) +
		(option_value(options, "user") != NULL) + (option_value(options, "api_key") != NULL) +
		(option_value(options, "client_id") != NULL);

	if (option_value(options, "user") && strchr(option_value(options, "user"), ':'))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				 errmsg("invalid value for option \"%s\"", "user"),
				 errdetail("HTTP's basic authentication has no place for a colon in it.")));
	check_needs(options, "password", "user", NULL, false);
	check_needs(options, "client_secret", "client_id", NULL, false);
	if (kinds > 1)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("a user mapping holds one kind of credential"),
				 errdetail("Kinds are: token; user and password; api_key; client_id and client_secret.")));
}

static void
check_table(List *options)
{
	const char *format = option_value(options, "format");
	const char *records = option_value(options, "records");

	check_paging(options);
	check_needs(options, "reject_limit", "on_error", "skip", false);
	if (format && strcmp(format, "ndjson") == 0)
	{
		if (records && *records)
			refuse_contradiction("records", "With format 'ndjson' each line is a record.");
		if (option_value(options, "total"))
			refuse_contradiction("total", "With format 'ndjson' there is nothing but records.");
		if (option_value(options, "next"))
			refuse_contradiction("next", "With format 'ndjson' there is nothing but records.");
	}
}

static void
check_column(List *options)
{
	static const char *const params[] = {"param", "param_from", "param_to", "param_in", NULL};
	const char *pointer = option_value(options, "pointer");
	bool		has_param = false;

	for (int i = 0; params[i]; i++)
		has_param = has_param || option_value(options, params[i]);
	if (pointer && pointer[0] == '#' && (has_param || option_value(options, "sort")))
		refuse_contradiction("pointer", "The API knows nothing of this column, so it takes no parameter and no sort key.");
	check_needs(options, "param_in_style", "param_in", NULL, false);
	check_needs(options, "sort_nulls", "sort", NULL, false);
	if (!has_param && option_value(options, "exact"))
		refuse_contradiction("exact", "It needs one of param, param_from, param_to, param_in.");
	if (!has_param && option_value(options, "required"))
		refuse_contradiction("required", "It needs one of param, param_from, param_to, param_in.");
}

/*
 * retrack_fdw_validator(text[], oid): called by CREATE and ALTER with the whole
 * resulting list, so that a change by an ordinary user is refused as long as an
 * option for superusers stands in it.
 */
Datum
retrack_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	int			place = place_of_catalog(PG_GETARG_OID(1));
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);
		const OptionDef *option = rt_option_find(def->defname, place);

		if (option == NULL)
			refuse_unknown_option(def->defname, place);
		if ((option->flags & OPT_SUPERUSER) && !superuser())
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("only superusers can set option \"%s\"", def->defname),
					 errdetail("A server that has this option can be changed by superusers only.")));
		rt_option_store(option, defGetString(def), NULL);
	}
	switch (place)
	{
		case OPT_SERVER:
			check_server(options);
			break;
		case OPT_MAPPING:
			check_mapping(options);
			break;
		case OPT_TABLE:
			check_table(options);
			break;
		case OPT_COLUMN:
			check_column(options);
			break;
	}
	PG_RETURN_VOID();
}

/* What a value is where no option says otherwise. */
static void
set_defaults(FdwOptions *o)
{
	memset(o, 0, sizeof(*o));
	o->path = "";
	o->records = "";
	o->cursor_param = "cursor";
	o->page_param = "page";
	o->first_page = 1;
	o->offset_param = "offset";
	o->prefetch = 1;
	o->max_pages = 100000;
	o->connect_timeout = 10 * 1000;
	o->timeout = 5 * 60 * 1000;
	o->stall_timeout = 30 * 1000;
	o->max_retries = 4;
	o->max_retry_wait = 30 * 1000;
	o->max_record_size = 16 * 1024 * 1024;
	o->buffer_size = 256 * 1024;
	o->api_key_header = "X-API-Key";
}

/* Stores those of the options that may stand in that place. */
static void
read_options(List *options, int place, void *target)
{
	ListCell   *lc;

	foreach(lc, options)
	{
		DefElem    *def = lfirst_node(DefElem, lc);
		const OptionDef *option = rt_option_find(def->defname, place);

		if (option != NULL)
			rt_option_store(option, defGetString(def), target);
	}
}

static void
refuse_missing(const FdwOptions *o, const char *what, const char *option, const char *where)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
			 errmsg("%s needs option \"%s\"", what, option),
			 errhint("Set it on %s \"%s\".", where, o->server_name)));
}

/* Credentials that the chosen kind of auth needs. */
static void
check_credentials(const FdwOptions *o)
{
	static const char *const where = "the user mapping for server";

	if (o->auth == AUTH_BEARER && o->token == NULL)
		refuse_missing(o, "auth 'bearer'", "token", where);
	if (o->auth == AUTH_BASIC && o->user == NULL)
		refuse_missing(o, "auth 'basic'", "user", where);
	if (o->auth == AUTH_API_KEY && o->api_key == NULL)
		refuse_missing(o, "auth 'api_key'", "api_key", where);
	if (o->auth == AUTH_OAUTH2 && o->client_id == NULL)
		refuse_missing(o, "auth 'oauth2'", "client_id", where);
	if (o->auth == AUTH_OAUTH2 && o->client_secret == NULL)
		refuse_missing(o, "auth 'oauth2'", "client_secret", where);
}

/*
 * Options that reach files or networks the database host can reach are a
 * superuser's to give.  The validator saw to that; a server that has since
 * changed hands must not keep them working for its new owner's purposes.
 */
static void
check_superuser_options(const FdwOptions *o, Oid owner)
{
	const char *option = o->ca_file ? "ca_file" : o->client_cert ? "client_cert" :
		o->client_key ? "client_key" : o->proxy ? "proxy" : o->allow_hosts ? "allow_hosts" : NULL;

	if (option != NULL && !superuser_arg(owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("option \"%s\" needs a server owned by a superuser", option),
				 errdetail("Server \"%s\" is owned by \"%s\".", o->server_name,
						   GetUserNameFromId(owner, false))));
}

/*
 * Whoever says how pages follow each other, but not that there are pages, would be
 * given the first one for all of them.
 */
static void
check_paging_stated(const FdwOptions *o, List *server, List *table, const char *where)
{
	static const char *const paging[] = {"next", "cursor_param", "page_param", "first_page", "offset_param"};

	for (int i = 0; i < (int) lengthof(paging) && !o->pagination_stated; i++)
		if (option_value(server, paging[i]) || option_value(table, paging[i]))
			refuse_missing(o, psprintf("option \"%s\"", paging[i]), "pagination", where);
}

static void
check_scan_options(const FdwOptions *o, List *server, List *table)
{
	const char *where = "the foreign table, or on server";

	check_paging_stated(o, server, table, where);
	if (o->pagination == PAGINATION_CURSOR && o->next == NULL)
		refuse_missing(o, "pagination 'cursor'", "next", where);
	if (o->ndjson && (o->pagination == PAGINATION_CURSOR || o->next || o->total || *o->records))
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("format 'ndjson' of foreign table \"%s\" contradicts the server's options",
						o->table_name),
				 errdetail("Lines of records have no place for options records, next and total.")));
}

FdwOptions *
rt_fdw_options(Oid serverid, Oid relid, Oid userid)
{
	FdwOptions *o = palloc(sizeof(FdwOptions));
	ForeignServer *server = GetForeignServer(serverid);

	set_defaults(o);
	o->serverid = serverid;
	o->userid = userid;
	o->server_name = server->servername;
	read_options(server->options, OPT_SERVER, o);
	check_superuser_options(o, server->owner);
	if (OidIsValid(relid))
	{
		List	   *table = GetForeignTable(relid)->options;

		o->table_name = get_rel_name(relid);
		read_options(table, OPT_TABLE, o);
		o->pagination_stated = option_value(server->options, "pagination") || option_value(table, "pagination");
		check_scan_options(o, server->options, table);
	}
	if (o->auth != AUTH_NONE)
	{
		UserMapping *mapping = GetUserMapping(userid, serverid);

		o->umid = mapping->umid;
		read_options(mapping->options, OPT_MAPPING, o);
		check_credentials(o);
	}
	return o;
}

FdwOptions *
rt_fdw_plan_options(Oid relid)
{
	FdwOptions *o = palloc(sizeof(FdwOptions));
	ForeignTable *table = GetForeignTable(relid);
	ForeignServer *server = GetForeignServer(table->serverid);

	set_defaults(o);
	o->serverid = table->serverid;
	o->server_name = server->servername;
	o->table_name = get_rel_name(relid);
	read_options(server->options, OPT_SERVER, o);
	read_options(table->options, OPT_TABLE, o);
	return o;
}

/* RFC 6901: "/name", with ~ and / escaped. */
static char *
default_pointer(const char *name)
{
	StringInfoData s;

	initStringInfo(&s);
	appendStringInfoChar(&s, '/');
	for (; *name; name++)
	{
		if (*name == '~')
			appendStringInfoString(&s, "~0");
		else if (*name == '/')
			appendStringInfoString(&s, "~1");
		else
			appendStringInfoChar(&s, *name);
	}
	return s.data;
}

/* The path's own query string holds name=, and not to be filled in. */
static bool
is_fixed_name(const char *path, const char *name)
{
	size_t		len = strlen(name);

	for (const char *p = strchr(path, '?'); p != NULL; p = strchr(p + 1, '&'))
		if (strncmp(p + 1, name, len) == 0 && (p[1 + len] == '=' || p[1 + len] == '&' || p[1 + len] == '\0'))
			return !rt_path_has_parameter(path, name);
	return false;
}

/* The request says something by this name already: which records, page, number or order. */
static bool
is_taken_name(const FdwOptions *o, const char *name)
{
	const char *paging = o->pagination == PAGINATION_CURSOR ? o->cursor_param :
		o->pagination == PAGINATION_PAGE ? o->page_param :
		o->pagination == PAGINATION_OFFSET ? o->offset_param : NULL;

	return name != NULL && ((paging && strcmp(name, paging) == 0) || is_fixed_name(o->path, name) ||
							(o->limit_param && strcmp(name, o->limit_param) == 0) ||
							(o->sort_param && strcmp(name, o->sort_param) == 0));
}

/*
 * A resource may have a field "limit" or "page", and an import gives it the
 * parameter of that name: a condition sent by it would be taken for paging.  And
 * a table over /reports?state=open must not ask for others: conditions by such
 * names are checked here.
 */
static void
drop_taken_names(FdwColumn *c, const FdwOptions *o)
{
	if (is_taken_name(o, c->param))
		c->param = NULL;
	if (is_taken_name(o, c->param_from))
		c->param_from = NULL;
	if (is_taken_name(o, c->param_to))
		c->param_to = NULL;
	if (is_taken_name(o, c->param_in))
		c->param_in = NULL;
}

FdwColumn *
rt_fdw_columns(Relation rel, const FdwOptions *options)
{
	TupleDesc	desc = RelationGetDescr(rel);
	FdwColumn  *columns = palloc0(sizeof(FdwColumn) * Max(desc->natts, 1));

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		FdwColumn  *c = &columns[i];

		/* the planner puts a virtual column's expression in its place */
		if (att->attisdropped || att->attgenerated == RT_GENERATED_VIRTUAL)
			continue;
		c->attnum = att->attnum;
		c->name = pstrdup(NameStr(att->attname));
		c->not_null = att->attnotnull;
		c->in_repeat = options->in_repeat;
		c->sort_nulls = options->sort_nulls;
		read_options(GetForeignColumnOptions(RelationGetRelid(rel), att->attnum), OPT_COLUMN, c);
		drop_taken_names(c, options);
		if (c->pointer == NULL)
			c->pointer = default_pointer(c->name);
	}
	return columns;
}

bool
rt_path_has_parameter(const char *path, const char *name)
{
	size_t		len = strlen(name);

	for (const char *p = strchr(path, '{'); p != NULL; p = strchr(p + 1, '{'))
		if (strncmp(p + 1, name, len) == 0 && p[1 + len] == '}')
			return true;
	return false;
}

bool
rt_column_needs_value(const FdwColumn *c, const char *path)
{
	return c->attnum != 0 &&
		(c->required || (c->param && rt_path_has_parameter(path, c->param)) ||
		 (!c->param && c->param_in && rt_path_has_parameter(path, c->param_in)));
}
