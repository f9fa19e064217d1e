/*
 * Protects: the wide integers of variances compute right to the last bit.
 *
 * Seeded random operands, many of them at the limits, go through every
 * operation; what came out is written down in hexadecimal and recomputed by
 * perl's Math::BigInt, which shares nothing with the code.
 */
#include "balance/wide_int.h"

#include <stdlib.h>

#include "tap.h"

#define CASES 400
#define CASES_FILE "build/unit/balance_wide_int.cases"

static uint64_t seed = 20250404;
static FILE *cases;

static uint64_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Limbs that carry and overflow more often than random ones would. */
static uint64_t
next_limb(void)
{
	switch (next_random() % 6)
	{
		case 0:
			return 0;
		case 1:
			return UINT64_MAX;
		case 2:
			return UINT64_C(1) << (next_random() % 64);
		case 3:
			return ~(UINT64_C(1) << (next_random() % 64));
		default:
			return next_random();
	}
}

static void
fill(uint64_t *a, int n)
{
	int			used = (int) (next_random() % (uint64_t) n) + 1;
	uint64_t	rest = next_random() % 2 ? 0 : UINT64_MAX;

	for (int i = 0; i < n; i++)
		a[i] = i < used ? next_limb() : rest;
}

/* As two's complement of n limbs; "u" before it where it is unsigned. */
static void
put(const char *sign, const uint64_t *a, int n)
{
	fprintf(cases, " %s%d:", sign, n);
	for (int i = n - 1; i >= 0; i--)
		fprintf(cases, "%016llx", (unsigned long long) a[i]);
}

static void
put_additions(void)
{
	Wide192		a3,
				b3;
	Wide320		a5,
				b5;
	uint64_t	a8[8],
				b8[8];
	bool		overflow;

	fill(a3.w, 3), fill(b3.w, 3), fill(a5.w, 5), fill(b5.w, 5), fill(a8, 8), fill(b8, 8);
	fprintf(cases, "add"), put("s", a3.w, 3), put("s", b3.w, 3);
	overflow = wide192_add(&a3, &b3);
	put("s", a3.w, 3), fprintf(cases, " %d\nsubtract", overflow), put("s", a3.w, 3), put("s", b3.w, 3);
	overflow = wide192_subtract(&a3, &b3);
	put("s", a3.w, 3), fprintf(cases, " %d\nadd", overflow), put("s", a5.w, 5), put("s", b5.w, 5);
	overflow = wide320_add(&a5, &b5);
	put("s", a5.w, 5), fprintf(cases, " %d\nsubtract", overflow), put("s", a5.w, 5), put("s", b5.w, 5);
	overflow = wide320_subtract(&a5, &b5);
	put("s", a5.w, 5), fprintf(cases, " %d\nadd", overflow), put("s", a5.w, 5), put("u", b3.w, 3);
	overflow = wide320_add_unsigned(&a5, &b3);
	put("s", a5.w, 5), fprintf(cases, " %d\nsubtract", overflow), put("s", a5.w, 5), put("u", a3.w, 3);
	overflow = wide320_subtract_unsigned(&a5, &a3);
	put("s", a5.w, 5), fprintf(cases, " %d\nadd", overflow), put("s", a8, 8), put("s", b8, 8);
	overflow = wide_add(a8, b8, 8);
	put("s", a8, 8), fprintf(cases, " %d\nnegate", overflow), put("s", a8, 8);
	wide_negate(a8, 8);
	put("s", a8, 8), fprintf(cases, "\n");
}

static void
put_products(void)
{
	uint64_t	a[8],
				b[8],
				product[8],
				small = next_limb(),
				addend = next_limb();
	Wide192		p3;
	Wide320		p5;
	bool		overflow;

	fill(a, 8), fill(b, 8);
	p3 = wide192_product(((WideUInt128) a[1] << 64) | a[0], small);
	fprintf(cases, "multiply"), put("u", a, 2), put("u", &small, 1), put("u", p3.w, 3);
	p5 = wide320_product(&p3, addend);
	fprintf(cases, "\nmultiply"), put("u", p3.w, 3), put("u", &addend, 1), put("u", p5.w, 5);
	wide_multiply(product, a, 3, b, 5);
	fprintf(cases, "\nmultiply"), put("u", a, 3), put("u", b, 5), put("u", product, 8);
	fprintf(cases, "\nmuladd"), put("u", a, 8), put("u", &small, 1), put("u", &addend, 1);
	overflow = wide_multiply_small(a, 8, small, addend);
	put("u", a, 8), fprintf(cases, " %d\n", overflow);
}

static void
put_divisions(void)
{
	uint64_t	a[8],
				divisor[8],
				quotient[8],
				root[8],
				small = next_limb() | 1,
				remainder;

	fill(a, 8), fill(divisor, 8);
	divisor[0] |= 1;
	fprintf(cases, "divide"), put("u", a, 8), put("u", divisor, 8);
	wide_divide(quotient, a, divisor, 8);
	put("u", quotient, 8), fprintf(cases, "\ndivrem"), put("u", a, 8), put("u", &small, 1);
	remainder = wide_divide_small(a, 8, small);
	put("u", a, 8), put("u", &remainder, 1), fprintf(cases, "\nroot");
	a[7] &= UINT64_MAX >> 2;
	put("u", a, 8);
	wide_square_root(root, a, 8);
	put("u", root, 8), fprintf(cases, "\n");
}

static void
put_conversions(void)
{
	static const int limbs[] = {2, 3, 5, 8};
	static const int scales[] = {0, 15, 24, 48};
	int			n = limbs[next_random() % 4];
	int			scale = scales[next_random() % 4];
	uint64_t	a[8],
				back[8],
				narrow[3];
	char		text[WIDE_TEXT_MAX];
	int			len;

	fill(a, n);
	len = wide_print(text, a, n, scale);
	if (len != (int) strlen(text) || len >= WIDE_TEXT_MAX ||
		wide_parse(text, strlen(text), back, n, scale) != WIDE_PARSE_OK ||
		memcmp(a, back, sizeof(uint64_t) * (size_t) n) != 0)
		fprintf(cases, "broken round trip of %s\n", text);
	fprintf(cases, "print"), put("s", a, n), fprintf(cases, " %d %s\n", scale, text);
	if (n == 8)
		fprintf(cases, "narrow"), put("s", a, n),
			fprintf(cases, " %d\n", wide_parse(text, strlen(text), narrow, 3, scale) == WIDE_PARSE_OK);
	fprintf(cases, "double"), put("s", a, n), fprintf(cases, " %.17g\n", wide_to_double(a, n));
}

static const char *const oracle =
"use Math::BigInt; my ($n, $bad) = (0, 0);"
"sub big { my ($sign, $limbs, $hex) = $_[0] =~ /^([su])(\\d+):(.*)/ or die $_[0];"
"  my $v = Math::BigInt->from_hex($hex);"
"  $v -= Math::BigInt->new(2) ** (64 * $limbs) if $sign eq 's' && $hex =~ /^[89a-f]/; return $v }"
"sub limit { my ($x) = $_[0] =~ /^.(\\d+)/; return Math::BigInt->new(2) ** (64 * $x) }"
"while (<>) { chomp; $n++; my ($op, @x) = split ' '; my $fine; local $_ = $op;"
"  if (/^(add|subtract)$/) { my $r = $op eq 'add' ? big($x[0]) + big($x[1]) : big($x[0]) - big($x[1]);"
"    my $m = limit($x[0]); my $over = $r >= $m / 2 || $r < -$m / 2 ? 1 : 0;"
"    $fine = ($r - big($x[2])) % $m == 0 && $over == $x[3]; }"
"  elsif (/negate/) { $fine = (big($x[0]) + big($x[1])) % limit($x[0]) == 0 }"
"  elsif (/multiply/) { $fine = big($x[0]) * big($x[1]) == big($x[2]) }"
"  elsif (/muladd/) { my $r = big($x[0]) * big($x[1]) + big($x[2]); my $m = limit($x[0]);"
"    $fine = $r % $m == big($x[3]) && ($r >= $m ? 1 : 0) == $x[4] }"
"  elsif (/divide/) { my ($q, $r) = big($x[0])->bdiv(big($x[1])); $fine = $q == big($x[2]) }"
"  elsif (/divrem/) { my ($q, $r) = big($x[0])->bdiv(big($x[1])); $fine = $q == big($x[2]) && $r == big($x[3]) }"
"  elsif (/root/) { my ($a, $r) = (big($x[0]), big($x[1])); $fine = $r * $r <= $a && ($r + 1) * ($r + 1) > $a }"
"  elsif (/print/) { my ($v, $scale, $text) = (big($x[0]), @x[1, 2]); my ($int, $frac) = split /[.]/, $text; $frac //= '';"
"    $fine = $text !~ /[.].*0$|[.]$|^-?0\\d/ && ($text eq '0' || $v != 0) && $v == Math::BigInt->new($int . $frac . '0' x ($scale - length $frac)) }"
"  elsif (/narrow/) { my $v = big($x[0]); my $m = Math::BigInt->new(2) ** 191; $fine = ($v >= -$m && $v < $m ? 1 : 0) == $x[1] }"
"  elsif (/double/) { my $v = big($x[0])->numify; $fine = $v == 0 ? $x[1] == 0 : abs($x[1] / $v - 1) < 1e-15 }"
"  $bad++, print qq{# wrong: $op @x\\n} unless $fine; }"
"print qq{$n checked, $bad wrong\\n};";

static void
check_cases(void)
{
	char		line[4096];
	char		verdict[4096] = "no answer from perl";
	FILE	   *pipe;

	setenv("WIDE_INT_ORACLE", oracle, 1);
	pipe = popen("perl -e \"$WIDE_INT_ORACLE\" " CASES_FILE " 2>&1", "r");
	while (pipe != NULL && fgets(line, sizeof(line), pipe) != NULL)
	{
		fputs(line[0] == '#' ? line : "", stdout);
		snprintf(verdict, sizeof(verdict), "%s", line);
	}
	if (pipe != NULL)
		pclose(pipe);
	ok(strstr(verdict, " checked, 0 wrong") != NULL, "seed %llu: %s", (unsigned long long) 20250404,
	   strtok(verdict, "\n"));
}

static void
check_parse(void)
{
	static const struct
	{
		const char *text;
		WideParse	expected;
	}			tests[] = {
		{"0", WIDE_PARSE_OK}, {"-0", WIDE_PARSE_OK}, {"+1.5", WIDE_PARSE_OK}, {"1.500000000000000000", WIDE_PARSE_OK},
		{"", WIDE_PARSE_SYNTAX}, {"-", WIDE_PARSE_SYNTAX}, {"1.", WIDE_PARSE_SYNTAX}, {".5", WIDE_PARSE_SYNTAX},
		{"1.2.3", WIDE_PARSE_SYNTAX}, {"--1", WIDE_PARSE_SYNTAX}, {"1e5", WIDE_PARSE_SYNTAX}, {"0x1", WIDE_PARSE_SYNTAX},
		{"NaN", WIDE_PARSE_SYNTAX}, {" 1", WIDE_PARSE_SYNTAX}, {"1.0000000000000001x", WIDE_PARSE_SYNTAX},
		{"1.0000000000000001", WIDE_PARSE_SCALE},
		{"170141183460469231731687.303715884105727", WIDE_PARSE_OK},	/* 2^127 - 1 */
		{"170141183460469231731687.303715884105728", WIDE_PARSE_RANGE},
		{"-170141183460469231731687.303715884105728", WIDE_PARSE_OK},
		{"-170141183460469231731687.303715884105729", WIDE_PARSE_RANGE},
		{"99999999999999999999999999999999999999999999999", WIDE_PARSE_RANGE},
	};

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
	{
		uint64_t	a[2];

		ok(wide_parse(tests[i].text, strlen(tests[i].text), a, 2, 15) == tests[i].expected,
		   "128 bits, 15 decimals: \"%s\"", tests[i].text);
	}
}

int
main(void)
{
	cases = fopen(CASES_FILE, "w");
	if (cases == NULL)
	{
		perror(CASES_FILE);
		return 2;
	}
	for (int i = 0; i < CASES; i++)
	{
		put_additions();
		put_products();
		put_divisions();
		put_conversions();
	}
	fclose(cases);
	check_cases();
	check_parse();
	return done_testing();
}
