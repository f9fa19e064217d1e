/*
 * retrack.c
 *		Module magic and load-time set-up.
 */
#include "retrack.h"

PG_MODULE_MAGIC;
