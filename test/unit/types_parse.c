/*
 * Protects: the readers of mass, licence_id, element, assay and formulas: no
 * text makes them step outside of it, what they accept prints and reads back,
 * and decimals scale exactly.
 */
#include "types_driver.h"

#include "tap.h"

#define MUTATIONS 300000

static uint64 seed = 20250404;

static uint64
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static const char *const texts[] = {
	"12.5 kg", "-9223372036.854775808 t", "9223372036854775807 mg", "1e-3g", ".5", "06-AA-204966-Y", "99-zz-zzzzzz",
	"Dy", "dysprosium", "镝", "66", "Dy2O3", "氧化镝", "Nd=29.5%,Dy=3.15%±0.05%", " Tb = 1e3 ppm +/- 5ppb , Y=0.1±0.01",
	"Pr6O11=12.345678901234567890%", "{\"Nd\": 0.295, \"Dy\": \"1.1%±0.1%\"}", "{\"\\u955d\":{\"sd\":1e-3,\"fraction\":\"2 %\"}}",
	"Nd2Fe14B", "(Nd0.9Dy0.1)2Fe14B", "La2(CO3)3·8H2O", "2NdCl3*3H2O", "",
};

/* A text of the list, or two glued, with a few bytes changed, cut or repeated. */
static size_t
make_text(char *buf)
{
	size_t		len = 0;

	for (int parts = 1 + (next_random() % 4 == 0); parts > 0; parts--)
	{
		const char *t = texts[next_random() % lengthof(texts)];

		memcpy(buf + len, t, strlen(t));
		len += strlen(t);
	}
	for (int edits = next_random() % 5; edits > 0 && len > 1; edits--)
	{
		size_t		at = next_random() % len;

		switch (next_random() % 4)
		{
			case 0:
				buf[at] = (char) next_random();
				break;
			case 1:
				buf[at] = "0123456789.eE+-%=,{}\"\\:± "[next_random() % 26];
				break;
			case 2:
				len = at;
				break;
			default:
				memmove(buf + at, buf + at + 1, --len - at);
		}
	}
	return len;
}

static void
test_mutations(void)
{
	char		buf[512];
	const char *fault = NULL;

	printf("# seed %llu\n", (unsigned long long) seed);
	for (int i = 0; i < MUTATIONS && fault == NULL; i++)
	{
		size_t		len = make_text(buf);

		fault = check_types_text(buf, len);
		if (fault)
			printf("# on \"%.*s\"\n", (int) len, buf);
	}
	ok(fault == NULL, "%d texts: %s", MUTATIONS, fault ? fault : "all hold");
}

/* Decimals of up to 17 digits against 128-bit integers. */
static void
test_scaling(void)
{
	int			wrong = 0;

	for (int i = 0; i < 200000; i++)
	{
		uint64		digits = next_random() % UINT64CONST(100000000000000000) >> next_random() % 50;
		int			places = next_random() % 18;
		int			shift = next_random() % 10;
		uint64		p = 1 + next_random() % 1000000000;
		uint64		q = p + next_random() % p;
		const uint64 limit = 1000000000;
		char		buf[64];
		const char *s = buf;
		Decimal		d;
		uint64		got;
		bool		fits;
		unsigned __int128 ten = 1;
		unsigned __int128 up = digits;
		unsigned __int128 exact;

		snprintf(buf, sizeof(buf), "%0*llue-%d", (int) (next_random() % 20) + 1, (unsigned long long) digits, places);
		if (!rt_decimal_scan(&s, buf + strlen(buf), &d) || *s != '\0')
		{
			wrong++;
			continue;
		}
		for (int k = places; k < shift; k++)
			up *= 10;
		for (int k = shift; k < places; k++)
			ten *= 10;
		exact = (up + ten / 2) / ten;	/* ten is 1 or even, so this is exact */
		fits = rt_decimal_scale(&d, shift, limit, &got);
		wrong += fits != (exact <= limit) || (fits && got != exact);
		if (up / ten > 2 * limit || up > ~(unsigned __int128) 0 / p / 4)
			continue;
		exact = (2 * up * p + ten * q) / (2 * ten * q);
		fits = rt_decimal_scale_ratio(&d, shift, p, q, limit, &got);
		wrong += fits != (exact <= limit) || (fits && got != exact);
	}
	ok(wrong == 0, "decimals scale exactly, %d wrong", wrong);
}

static void
test_long_texts(void)
{
	const size_t len = 1 << 20;
	char	   *s = malloc(len);
	static const char fill[] = "0.1,=(±{9";

	for (size_t i = 0; i < strlen(fill); i++)
	{
		memset(s, fill[i], len);
		ok(check_types_text(s, len) == NULL, "a megabyte of byte 0x%02x", (unsigned char) fill[i]);
	}
	memcpy(s, "Nd2O3=0.", 8);
	memset(s + 8, '3', len - 8);
	ok(check_types_text(s, len) == NULL, "a megabyte of decimals");
	free(s);
}

int
main(void)
{
	test_mutations();
	test_scaling();
	test_long_texts();
	return done_testing();
}
