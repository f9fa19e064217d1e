/*
 * admin.c
 *		POST /admin/...: changes the data in mid-test (with --admin only).
 *
 *		/admin/put?resource=NAME		body: a whole record; new, or the next version
 *		/admin/patch?resource=NAME		body: key columns and the columns to change
 *		/admin/withdraw?resource=NAME	body: key columns; the record stays, withdrawn
 *		/admin/delete?resource=NAME		body: key columns; the record is gone
 *		/admin/fault					body: a plan, see faults.c
 *		/admin/requests					answers {"requests": n} since the last time
 */
#include <string.h>

#include "server.h"

/* The body merged over the present record (RFC 7386 at the top level). */
static json_t *
merged_record(const Record *record, json_t *change)
{
	json_t *object = json_deep_copy(record->object);
	const char *name;
	json_t *value;

	json_object_foreach(change, name, value) json_object_set(object, name, value);
	return object;
}

static Answered
change_record(Request *request, Resource *resource, const char *action, json_t *change)
{
	Dataset *data = &request->server->data;
	Record *record = dataset_find(resource, change);
	json_t *object;

	if (strcmp(action, "put") == 0)
		object = json_incref(change);
	else if (!record)
		return respond_problem(request, 404, "no record has these key columns");
	else if (strcmp(action, "delete") == 0)
	{
		dataset_delete(resource, record);
		return respond_json(request, 200, json_object());
	}
	else
	{
		object = merged_record(record, change);
		if (strcmp(action, "withdraw") == 0)
			json_object_set_new(object, "withdrawn", json_true());
	}
	record = dataset_put(data, resource, object);
	if (!record)
		return respond_problem(request, 400, "the record lacks a key column");
	return respond_json(request, 200, json_incref(record->object));
}

static Answered
post_change(Request *request, const char *action, json_t *body)
{
	const char *name =
		MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "resource");
	Resource *resource = name ? dataset_resource(&request->server->data, name) : NULL;
	Answered result;

	if (!resource)
		return respond_problem(request, 404, "there is no such resource");
	pthread_rwlock_wrlock(&request->server->lock);
	result = change_record(request, resource, action, body);
	pthread_rwlock_unlock(&request->server->lock);
	return result;
}

Answered
admin_post(Request *request)
{
	const char *action = request->url + strlen("/admin/");
	json_t *body =
		json_loadb(request->body.data ? request->body.data : "", request->body.length, 0, NULL);
	Answered result;

	if (strcmp(action, "requests") == 0)
		result = respond_json(request, 200,
							  json_pack("{s:I}", "requests", (json_int_t) faults_requests(true)));
	else if (!json_is_object(body))
		result = respond_problem(request, 400, "the body must be a JSON object");
	else if (strcmp(action, "fault") == 0)
		result = faults_plan(body) ? respond_json(request, 200, json_object())
								   : respond_problem(request, 400, "not a plan");
	else if (strcmp(action, "put") == 0 || strcmp(action, "patch") == 0 ||
			 strcmp(action, "withdraw") == 0 || strcmp(action, "delete") == 0)
		result = post_change(request, action, body);
	else
		result = respond_problem(request, 404, "there is no such action");
	json_decref(body);
	return result;
}
