/*
 * Preloaded into a server: looking up the name hang.invalid takes 10 seconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

typedef int (*lookup) (const char *, const char *, const struct addrinfo *, struct addrinfo **);

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
	if (node != NULL && strcmp(node, "hang.invalid") == 0)
	{
		sleep(10);
		return EAI_AGAIN;
	}
	return ((lookup) dlsym(RTLD_NEXT, "getaddrinfo")) (node, service, hints, res);
}
