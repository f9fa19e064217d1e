/*
 * Fuzzes the decimal numbers of a balance's text form, and the arithmetic
 * behind sigma and z: what is read prints and reads back, a quotient and a
 * root are the right ones. The first byte chooses width and scale.
 */
#include <stdlib.h>
#include <string.h>

#include "balance/wide_int.h"

static void
require(bool truth)
{
	if (!truth)
		abort();
}

/* q = floor(a / b) exactly if q b <= a < (q + 1) b */
static void
check_division(const uint64_t *a, const uint64_t *b, int n)
{
	uint64_t	quotient[WIDE_LIMBS_MAX];
	uint64_t	product[2 * WIDE_LIMBS_MAX];
	uint64_t	rest[WIDE_LIMBS_MAX];

	if (wide_is_zero(b, n))
		return;
	wide_divide(quotient, a, b, n);
	wide_multiply(product, quotient, n, b, n);
	require(wide_is_zero(product + n, n) && wide_compare(product, a, n) <= 0);
	memcpy(rest, a, sizeof(uint64_t) * (size_t) n);
	wide_subtract(rest, product, n);
	require(wide_compare(rest, b, n) < 0);
}

/* r = floor(sqrt(a)) exactly if 0 <= a - r^2 <= 2 r */
static void
check_root(uint64_t *a, int n)
{
	uint64_t	root[WIDE_LIMBS_MAX];
	uint64_t	square[2 * WIDE_LIMBS_MAX];

	a[n - 1] &= UINT64_MAX >> 2;
	wide_square_root(root, a, n);
	wide_multiply(square, root, n, root, n);
	require(wide_is_zero(square + n, n) && wide_compare(square, a, n) <= 0);
	wide_subtract(a, square, n);
	require(!wide_multiply_small(root, n, 2, 0) && wide_compare(a, root, n) <= 0);
}

int			LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int widths[] = {2, 3, 5, 8};
	static const int scales[] = {0, 15, 24, 48};
	uint64_t	a[WIDE_LIMBS_MAX];
	uint64_t	b[WIDE_LIMBS_MAX] = {0};
	char		text[WIDE_TEXT_MAX];
	int			n,
				scale;

	if (size == 0)
		return 0;
	n = widths[data[0] & 3];
	scale = scales[(data[0] >> 2) & 3];
	if (wide_parse((const char *) data + 1, size - 1, a, n, scale) == WIDE_PARSE_OK)
	{
		int			len = wide_print(text, a, n, scale);

		require(len > 0 && len < WIDE_TEXT_MAX && text[len] == '\0');
		require(wide_parse(text, (size_t) len, b, n, scale) == WIDE_PARSE_OK);
		require(memcmp(a, b, sizeof(uint64_t) * (size_t) n) == 0);
	}
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	memcpy(a, data, size < sizeof(a) ? size : sizeof(a));
	if (size > sizeof(a))
		memcpy(b, data + sizeof(a), size - sizeof(a) < sizeof(b) ? size - sizeof(a) : sizeof(b));
	check_division(a, b, n);
	check_root(a, n);
	return 0;
}
