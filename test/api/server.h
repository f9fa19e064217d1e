/*
 * server.h
 *		What the parts of the HTTP server share.
 */
#ifndef API_SERVER_H
#define API_SERVER_H

#include <microhttpd.h>
#include <pthread.h>

#include "dataset.h"
#include "memory.h"

typedef enum MHD_Result Answered;

typedef struct Options
{
	int port;
	const char *port_file;
	uint64_t seed;
	int scale;
	bool normal_noise;
	const char *token; /* static bearer token, or NULL */
	bool authenticate;
	const char *client_id;
	const char *client_secret;
	int token_lifetime; /* seconds, of a token from /oauth/token */
	int token_requests; /* requests such a token is good for, 0: any number */
	size_t page_size;
	size_t max_page_size;
	int latency_ms;
	int threads; /* of a pool; 0: one a connection */
	size_t bulk_records;
	bool admin;
	bool die_with_parent;
	long fail_after;  /* requests before /v1 answers 503, -1: never */
	long crash_after; /* requests before the process dies, -1: never */
	bool list_cheats;
	const char *dump;    /* resource to print instead of serving, or NULL */
	const char *dump_to; /* directory to write every resource to instead, or NULL */
} Options;

typedef struct Server
{
	Options options;
	Dataset data;
	pthread_rwlock_t lock; /* of data */
} Server;

/* One request as its handlers see it. */
typedef struct Request
{
	Server *server;
	struct MHD_Connection *connection;
	const char *url;
	const char *method;
	Buffer body;
} Request;

extern bool options_parse(Options *options, int argc, char **argv);

/* respond.c: each takes over the body and answers the request. */
extern Answered respond(Request *request, unsigned status, const char *type, Buffer *body,
						const char *header, const char *value);
extern Answered respond_json(Request *request, unsigned status, json_t *object);
/* An RFC 7807 problem document; detail is copied. */
extern Answered respond_problem(Request *request, unsigned status, const char *detail);

/* auth.c */
extern bool auth_accepts(Request *request);
extern Answered auth_refuse(Request *request);
extern Answered auth_token(Request *request);

/* listing.c: GET /v1/NAME, /v1l/NAME, /v1n/NAME */
extern Answered listing_get(Request *request);

/* bulk.c: GET /v1/bulk */
extern Answered bulk_get(Request *request);

/* admin.c: POST /admin/... */
extern Answered admin_post(Request *request);

/* faults.c: counts a /v1 request; true if a planned fault answered it, in *result. */
extern void faults_configure(const Options *options);
extern bool faults_strike(Request *request, Answered *result);
/* Plans a fault: {"after": n, "count": n, "status": s, "retry_after": text, "delay_ms": n, "crash": bool}. */
extern bool faults_plan(const json_t *plan);
extern long faults_requests(bool reset);

#endif /* API_SERVER_H */
