/*
 * fdw/option_table.h
 *		The table of options and the checks of single values, shared by the
 *		validator and the reader of options.
 */
#ifndef RT_OPTION_TABLE_H
#define RT_OPTION_TABLE_H

#include "fdw/options.h"

/* Where an option may stand. */
#define OPT_SERVER	0x01
#define OPT_MAPPING	0x02
#define OPT_TABLE	0x04
#define OPT_COLUMN	0x08
#define OPT_PLACE	0x0f
#define OPT_SUPERUSER 0x10
#define OPT_SECRET	0x20

typedef enum OptionKind
{
	OPTION_TEXT,				/* not empty */
	OPTION_ANY_TEXT,			/* may be empty */
	OPTION_NOTE,				/* for readers of the catalogs, not stored */
	OPTION_NAME,				/* of a query parameter: not empty, no control bytes */
	OPTION_POINTER,				/* RFC 6901 */
	OPTION_COLUMN_POINTER,		/* that, or one of the #names */
	OPTION_INT,
	OPTION_TIME,				/* milliseconds */
	OPTION_SIZE,				/* bytes */
	OPTION_RATE,				/* positive number */
	OPTION_BIGINT,				/* positive */
	OPTION_BOOL,
	OPTION_CHOICE,				/* one of words; stored as its index + first */
	OPTION_URL,
	OPTION_PATH,
	OPTION_HEADERS,				/* "Name: value" lines */
	OPTION_HEADER_NAME,
	OPTION_HEADER_TEXT,			/* goes into a header: no control bytes */
	OPTION_HOSTS,
	OPTION_PROXY
} OptionKind;

typedef struct OptionDef
{
	const char *name;
	int			flags;
	OptionKind	kind;
	size_t		offset;			/* in FdwOptions, or in FdwColumn if OPT_COLUMN alone */
	int64		min;
	int64		max;
	const char *const *words;	/* OPTION_CHOICE, NULL-terminated */
	int			first;			/* value of the first word */
} OptionDef;

extern const OptionDef rt_option_table[];
extern const int rt_option_count;

/* Entry of an option that may stand in one of the places, or NULL. */
extern const OptionDef *rt_option_find(const char *name, int places);

/*
 * Checks a value and, if target is not NULL, stores it at target + def->offset.
 * Raises HV024, naming the option and, unless it is a secret, the value.
 */
extern void rt_option_store(const OptionDef *def, const char *value, void *target);

#endif							/* RT_OPTION_TABLE_H */
