/*
 * Protects: requests go where the options say and nowhere else. Resolution follows the examples of
 * RFC 3986, 5.4; Link headers those of RFC 8288 and of servers seen in the field.
 */
#include "fdw/link_header.h"
#include "fdw/url.h"

#include <string.h>

#include "tap.h"

static void
resolves(const char *base, const char *reference, const char *expected)
{
	char		out[URL_MAX];
	const char *why = "";
	bool		good = url_resolve(base, reference, out, sizeof(out), &why);

	ok(expected ? good && strcmp(out, expected) == 0 : !good, "%s + %s: %s", base, reference,
	   good ? out : why);
}

static void
links(const char *header, LinkResult result, const char *target)
{
	char		out[64] = "";
	LinkResult	got = link_header_find(header, "next", out, sizeof(out));

	ok(got == result && strcmp(out, target) == 0, "Link: %s: %d %s", header, got, out);
}

static void
test_addresses(void)
{
	static const unsigned char metadata[4] = {169, 254, 169, 254};
	static const unsigned char loopback[4] = {127, 0, 0, 1};
	static const unsigned char private[4] = {10, 1, 2, 3};
	static const unsigned char mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254, 1, 1};
	static const unsigned char nat64[16] = {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 169, 254, 169, 254};
	static const unsigned char local_nat64[16] = {0, 0x64, 0xff, 0x9b, 0, 1, 10, 0, 0, 0, 0, 0, 169, 254, 169, 254};
	static const unsigned char local_nat64_48[16] = {0, 0x64, 0xff, 0x9b, 0, 1, 169, 254, 0, 169, 254, 0, 10, 0, 0, 1};
	static const unsigned char google[16] = {0xfd, 0x20, 0, 0xce, [14] = 0x02, [15] = 0x54};
	static const unsigned char oracle[16] = {0xfd, 0, 0, 0xc1, [12] = 0xa9, [13] = 0xfe, [14] = 0xa9, [15] = 0xfe};
	static const unsigned char amazon[16] = {0xfd, 0, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
	static const unsigned char unique_local[16] = {0xfd, 0x20, 0, 0xcf, [14] = 0x02, [15] = 0x54};
	static const unsigned char link_local[16] = {0xfe, 0x80, 1};
	static const unsigned char one[16] = {[15] = 1};

	ok(url_address_refused(metadata, 4), "169.254.169.254 is refused");
	ok(url_address_refused(mapped, 16), "also as an IPv6 address");
	ok(url_address_refused(nat64, 16), "also behind NAT64");
	ok(url_address_refused(local_nat64, 16) && url_address_refused(local_nat64_48, 16), "... of a network's own");
	ok(url_address_refused(google, 16) && url_address_refused(oracle, 16) && url_address_refused(amazon, 16), "clouds' services have IPv6 addresses too");
	ok(!url_address_refused(unique_local, 16), "other unique local addresses are not refused");
	ok(url_address_refused(link_local, 16), "fe80::/10 is refused");
	ok(!url_address_refused(loopback, 4) && !url_address_refused(one, 16), "loopback is not");
	ok(!url_address_refused(private, 4), "private addresses are not");
}

static void
test_parameters(void)
{
	char		url[URL_MAX] = "http://h/x";
	char		small[24] = "http://h/x";

	ok(url_add_parameter(url, sizeof(url), "a b", "1&2=3\r\n") && url_add_parameter(url, sizeof(url), "c", "é") &&
	   strcmp(url, "http://h/x?a%20b=1%262%3D3%0D%0A&c=%C3%A9") == 0, "names and values are encoded: %s", url);
	ok(!url_add_parameter(small, sizeof(small), "name", "much too long"), "no room is said, not overrun");
	ok(url_host_listed("a.example, b.example:8080", &(UrlParts) {.host = "B.EXAMPLE", .host_len = 9, .port = 8080}), "host list: any case");
	ok(!url_host_listed("b.example:8080", &(UrlParts) {.host = "b.example", .host_len = 9, .port = 80}), "host list: the port counts");
}

int
main(void)
{
	const char *base = "http://a/b/c/d?q";
	static const char *const cases[][2] = {
		{"g", "http://a/b/c/g"}, {"./g", "http://a/b/c/g"}, {"g/", "http://a/b/c/g/"}, {"/g", "http://a/g"},
		{"//g", "http://g"}, {"?y", "http://a/b/c/d?y"}, {"g?y", "http://a/b/c/g?y"}, {"#s", "http://a/b/c/d?q"},
		{"", "http://a/b/c/d?q"}, {".", "http://a/b/c/"}, {"..", "http://a/b/"}, {"../g", "http://a/b/g"},
		{"../..", "http://a/"}, {"../../g", "http://a/g"}, {"../../../g", "http://a/g"}, {"/./g", "http://a/g"},
		{"/../g", "http://a/g"}, {"g.", "http://a/b/c/g."}, {"..g", "http://a/b/c/..g"}, {"./../g", "http://a/b/g"},
		{"g/./h", "http://a/b/c/g/h"}, {"g/../h", "http://a/b/c/h"}, {"g?y/../x", "http://a/b/c/g?y/../x"},
		{"https://h:8443/x", "https://h:8443/x"}, {"a b", "http://a/b/c/a%20b"}, {"x\001y", "http://a/b/c/x%01y"},
		{"file:///etc/passwd", NULL}, {"gopher://x", NULL}, {"javascript:alert(1)", NULL}, {"http://u:p@h/", NULL},
		{"//u@h/", NULL}, {"http://", NULL}, {"http://h:0/", NULL}, {"http://h:65536/", NULL}, {"http://[::1]/x", "http://[::1]/x"},
		{"http://[::1/x", NULL}, {"http://h\\@evil/", NULL}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		resolves(base, cases[i][0], cases[i][1]);
	test_parameters();
	test_addresses();
	links("<http://h/2>; rel=\"next\"", LINK_FOUND, "http://h/2");
	links("<http://h/1>; rel=prev, </2?a=1,2>; rel=next", LINK_FOUND, "/2?a=1,2");
	links("</x>; title=\"a;b,\\\"c\"; rel=\"last NEXT\"", LINK_FOUND, "/x");
	links("</x>; rel=next; anchor=\"/elsewhere\"", LINK_NONE, "");
	links("</x>; rel=prev; rel=next", LINK_NONE, "");
	links("</x>; rel=\"nextone\"", LINK_NONE, "");
	links("", LINK_NONE, "");
	links(", ,", LINK_NONE, "");
	links("</x; rel=next", LINK_MALFORMED, "");
	links("</x>; rel=\"next", LINK_MALFORMED, "");
	links("/x; rel=next", LINK_MALFORMED, "");
	links("</0123456789012345678901234567890123456789012345678901234567890123456789>; rel=next", LINK_MALFORMED, "");
	return done_testing();
}
