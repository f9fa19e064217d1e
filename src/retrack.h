/*
 * retrack.h
 *		Declarations that every room of the extension shares.
 *
 * Rooms include this first (after nothing: it includes postgres.h), then the
 * headers of the types they use.
 */
#ifndef RETRACK_H
#define RETRACK_H

#include "postgres.h"
#include "fmgr.h"

#include "compat.h"
#include "sqlstates.h"

#endif							/* RETRACK_H */
