/*
 * types/formula.h
 *		Composition of a compound or alloy from its chemical formula.
 */
#ifndef RT_FORMULA_H
#define RT_FORMULA_H

#include "retrack.h"

#include "types/assay.h"

typedef enum FormulaParse
{
	FORMULA_OK,
	FORMULA_SYNTAX,
	FORMULA_UNKNOWN,			/* no element, or one without a weight here */
	FORMULA_RANGE				/* numbers too large, too fine or too deeply nested */
} FormulaParse;

/*
 * Mass fractions in ppb of the rare earths in a formula like "Nd2Fe14B",
 * "(Nd0.9Dy0.1)2Fe14B" or "La2(CO3)3·8H2O", each rounded half up; at is where
 * reading stopped on a fault.  Pure.
 */
extern FormulaParse rt_formula_parse(const char *s, size_t len, AssayParts *parts, const char **at);

#endif							/* RT_FORMULA_H */
