/*
 * Puts a text to every reader of the types and checks what must hold whatever
 * it is; the unit test and the fuzz target share it. The text stands in a
 * buffer of just its size, so the sanitizer sees any step beyond.
 */
#ifndef TYPES_DRIVER_H
#define TYPES_DRIVER_H

#include "types/assay.h"
#include "types/decimal.h"
#include "types/formula.h"
#include "types/licence_id.h"

#include <stdio.h>
#include <stdlib.h>

/* No library of the server's is linked: back to libc's own. */
#undef printf
#undef vprintf
#undef snprintf

/* NULL, or what did not hold. */
static inline const char *
check_mass(const char *s, size_t len)
{
	char		text[MASS_TEXT_MAX];
	Mass		m;
	Mass		again;

	if (rt_mass_parse(s, len, &m) != MASS_PARSE_OK)
		return NULL;
	if (rt_mass_parse(text, rt_mass_print(m, text), &again) != MASS_PARSE_OK || again != m)
		return "a mass does not read back";
	return NULL;
}

static inline const char *
check_licence_id(const char *s, size_t len)
{
	char		text[LICENCE_ID_TEXT_MAX];
	char		expected = '\0';
	LicenceId	id;
	LicenceId	again;
	LicenceIdParse code = rt_licence_id_parse(s, len, &id, &expected);

	if (code == LICENCE_ID_SYNTAX)
		return NULL;
	if (id > LICENCE_ID_MAX)
		return "a licence number is out of range";
	for (int with_check = 0; with_check < 2; with_check++)
	{
		int			n = rt_licence_id_print(id, with_check, text);

		if (rt_licence_id_parse(text, n, &again, &expected) != LICENCE_ID_OK || again != id)
			return "a licence number does not read back";
	}
	if (code == LICENCE_ID_CHECK && text[13] != expected)
		return "the check character expected is not the one printed";
	return NULL;
}

static inline const char *
check_element(const char *s, size_t len)
{
	Element		z;

	if ((rt_element_parse(s, len, &z) || rt_oxide_parse(s, len, &z)) &&
		(!element_is_valid(z) || element_from_index(element_index(z)) != z))
		return "an element is none";
	return NULL;
}

static inline const char *
check_assay(const char *s, size_t len)
{
	AssayParts	parts;
	AssayParts	again;
	AssayFault	fault;
	AssayFault	unused;
	char		text[ASSAY_TEXT_MAX];
	uint64		total = 0;
	AssayParse	code = rt_assay_parse(s, len, &parts, &fault);

	if (code != ASSAY_PARSE_OK)
		return fault.at != NULL && (fault.at < s || fault.len < 0 || fault.at + fault.len > s + len) ?
			"a fault is outside of the text" : NULL;
	if (parts.mask == 0 || (parts.mask & ~ASSAY_MASK))
		return "an assay has wrong elements";
	for (int i = 0; i < ELEMENT_COUNT; i++)
	{
		total += parts.ppb[i];
		if (parts.sd[i] > ASSAY_PPB || ((parts.ppb[i] || parts.sd[i]) && !(parts.mask & (1u << i))))
			return "an assay has wrong parts";
	}
	if (total > ASSAY_PPB)
		return "an assay is above 100 %";
	for (int ascii = 0; ascii < 2; ascii++)
	{
		if (rt_assay_parse(text, rt_assay_print(&parts, ascii, text), &again, &unused) != ASSAY_PARSE_OK ||
			memcmp(&parts, &again, sizeof(parts)) != 0)
			return "an assay does not read back";
	}
	return NULL;
}

static inline const char *
check_formula(const char *s, size_t len)
{
	AssayParts	parts;
	const char *at;
	uint64		total = 0;
	FormulaParse code = rt_formula_parse(s, len, &parts, &at);

	if (at < s || at > s + len)
		return "a formula's fault is outside of the text";
	if (code != FORMULA_OK)
		return NULL;
	for (int i = 0; i < ELEMENT_COUNT; i++)
		total += parts.ppb[i];
	return total > ASSAY_PPB + ELEMENT_COUNT ? "a formula is above 100 %" : NULL;
}

static inline const char *
check_types_text(const void *data, size_t len)
{
	char	   *s = malloc(len ? len : 1);
	const char *fault = NULL;
	const char *(*const checks[]) (const char *, size_t) =
	{check_mass, check_licence_id, check_element, check_assay, check_formula};

	if (len > 0)
		memcpy(s, data, len);
	for (int i = 0; i < lengthof(checks) && fault == NULL; i++)
		fault = checks[i] (s, len);
	free(s);
	return fault;
}

#endif							/* TYPES_DRIVER_H */
