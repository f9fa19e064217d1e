/*
 * fdw/json_text.h
 *		What the JSON scanner does with bytes: runs of string characters, of
 *		digits and of white space, UTF-8, escapes.  No server headers.
 *
 * The functions that take "limit" read in blocks: JSON_PAD bytes from limit on
 * must be readable.  They may look at those bytes, and answer NULL where a
 * token reaches limit.
 */
#ifndef RT_JSON_TEXT_H
#define RT_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define JSON_PAD 128
#define JSON_BLOCK 16

#define json_likely(x) __builtin_expect(!!(x), 1)
#define json_unlikely(x) __builtin_expect(!!(x), 0)

static inline bool
json_is_space(unsigned char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline bool
json_is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

#ifdef __SSE2__

/* Bit i: byte i ends a run of plain ASCII string characters. */
static inline uint32_t
json_string_stops(const char *p)
{
	__m128i		v = _mm_loadu_si128((const __m128i *) p);
	__m128i		quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i		escape = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));

	/* as signed bytes, both control characters and non-ASCII are below 0x20 */
	__m128i		other = _mm_cmplt_epi8(v, _mm_set1_epi8(0x20));

	return (uint32_t) _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, escape), other));
}

/* Bit i: byte i is no digit. */
static inline uint32_t
json_digit_stops(const char *p)
{
	__m128i		v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *) p), _mm_set1_epi8('0'));
	__m128i		digit = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(9)), v);

	return (uint32_t) _mm_movemask_epi8(digit) ^ 0xFFFF;
}

/* Bit i: byte i is no space (line breaks and tabs are stops too). */
static inline uint32_t
json_blank_stops(const char *p)
{
	__m128i		v = _mm_loadu_si128((const __m128i *) p);
	__m128i		blank = _mm_cmpeq_epi8(v, _mm_set1_epi8(' '));

	return (uint32_t) _mm_movemask_epi8(blank) ^ 0xFFFF;
}

#else							/* the same, eight bytes at a time */

#define JSON_ONES UINT64_C(0x0101010101010101)
#define JSON_HIGHS UINT64_C(0x8080808080808080)

static inline uint64_t
json_load8(const char *p)
{
	uint64_t	v;

	memcpy(&v, p, sizeof(v));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

/* The high bit of each byte to one bit a byte. */
static inline uint32_t
json_gather(uint64_t highs)
{
	return (uint32_t) (((highs >> 7) * UINT64_C(0x0102040810204080)) >> 56);
}

/* Exact: the high bit of each byte of v that is 0. */
static inline uint64_t
json_zeros(uint64_t v)
{
	return ~(((v & ~JSON_HIGHS) + ~JSON_HIGHS) | v) & JSON_HIGHS;
}

static inline uint32_t
json_string_stops8(const char *p)
{
	uint64_t	v = json_load8(p);
	uint64_t	stops = json_zeros(v ^ (JSON_ONES * '"')) | json_zeros(v ^ (JSON_ONES * '\\'));

	stops |= v & JSON_HIGHS;
	stops |= json_zeros(v & (JSON_ONES * 0xE0));
	return json_gather(stops);
}

static inline uint32_t
json_digit_stops8(const char *p)
{
	uint64_t	v = json_load8(p);

	/* a digit keeps 0x3 in its upper half, also with 6 added */
	uint64_t	upper = (v ^ (JSON_ONES * 0x30)) & (JSON_ONES * 0xF0);
	uint64_t	carry = (((v & (JSON_ONES * 0x0F)) + JSON_ONES * 6)) & (JSON_ONES * 0x10);

	return json_gather(~json_zeros(upper | carry) & JSON_HIGHS);
}

static inline uint32_t
json_blank_stops8(const char *p)
{
	return json_gather(~json_zeros(json_load8(p) ^ (JSON_ONES * ' ')) & JSON_HIGHS);
}

static inline uint32_t
json_string_stops(const char *p)
{
	return json_string_stops8(p) | json_string_stops8(p + 8) << 8;
}

static inline uint32_t
json_digit_stops(const char *p)
{
	return json_digit_stops8(p) | json_digit_stops8(p + 8) << 8;
}

static inline uint32_t
json_blank_stops(const char *p)
{
	return json_blank_stops8(p) | json_blank_stops8(p + 8) << 8;
}

#endif							/* __SSE2__ */

/* First byte at or after p that is not white space; at most about limit. */
extern const char *json_skip_space_run(const char *p, const char *limit);

static inline const char *
json_skip_space(const char *p, const char *limit)
{
	if (json_likely((unsigned char) *p > ' '))
		return p;
	return json_skip_space_run(p, limit);
}

/* Length of the UTF-8 sequence at p, whose first byte is not ASCII; 0 if it is none. */
static inline int
json_utf8_length(const char *s)
{
	const unsigned char *p = (const unsigned char *) s;

	if (p[0] < 0xC2)
		return 0;
	if ((p[1] & 0xC0) != 0x80)
		return 0;
	if (p[0] < 0xE0)
		return 2;
	if (p[0] < 0xF0)
	{
		if ((p[2] & 0xC0) != 0x80 ||
			(p[0] == 0xE0 && p[1] < 0xA0) ||
			(p[0] == 0xED && p[1] > 0x9F))
			return 0;
		return 3;
	}
	if (p[0] > 0xF4 || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80 ||
		(p[0] == 0xF0 && p[1] < 0x90) ||
		(p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return 4;
}

/*
 * A string from behind its opening quote: the end, behind its closing quote,
 * or NULL if it is malformed or reaches limit.  *escaped is set, never
 * cleared, if it holds escapes.
 */
extern const char *json_scan_string_rest(const char *p, const char *limit, bool *escaped);

static inline const char *
json_scan_string(const char *p, const char *limit, bool *escaped)
{
	uint32_t	stops = json_string_stops(p);

	/* most strings are plain and short */
	if (json_likely(stops != 0))
	{
		p += __builtin_ctz(stops);
		if (json_likely(*p == '"'))
			return p + 1;
	}
	else
		p += JSON_BLOCK;
	return json_scan_string_rest(p, limit, escaped);
}

/* End of a number that begins at p (a digit or minus), or NULL as above. */
extern const char *json_scan_number_rest(const char *p, const char *limit);

static inline const char *
json_scan_number(const char *p, const char *limit)
{
	uint32_t	stops;
	const char *digits = p + (*p == '-');

	stops = json_digit_stops(digits);
	if (json_unlikely(stops == 0 || (stops & 1) ||
					  (*digits == '0' && !(stops & 2))))
		return json_scan_number_rest(p, limit);
	p = digits + __builtin_ctz(stops);
	if (*p == '.')
	{
		stops = json_digit_stops(p + 1);
		if (json_unlikely(stops == 0 || (stops & 1)))
			return json_scan_number_rest(digits, limit);
		p += 1 + __builtin_ctz(stops);
	}
	if (json_unlikely((*p | 0x20) == 'e'))
		return json_scan_number_rest(digits, limit);
	return p;
}

/*
 * Unescapes the inside of a valid string into out (which needs at most len
 * bytes); false if text cannot hold it (\u0000, lone surrogate).
 */
extern bool json_unescape(const char *raw, size_t len, char *out, size_t *out_len);

#endif							/* RT_JSON_TEXT_H */
