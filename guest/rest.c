/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/rest.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "base/workers.h"
#include "codec/json.h"
#include "crypto/secret.h"
#include "guest/agent.h"
#include "guest/hub.h"
#include "guest/serde.h"
#include "kbs/uri.h"
#include "net/server.h"

#include <string.h>

#define BINARY         "application/octet-stream"
#define BACKEND_FAILED "ttrpc request error"

int rest_feature_find(struct span word, enum rest_feature *out, struct err *err)
{
	static const char *const words[] = { NULL, "resource", "attestation", "all" };

	for (unsigned i = 1; i < sizeof(words) / sizeof(*words); i++) {
		if (!span_is(word, words[i]))
			continue;
		*out = (enum rest_feature)i;
		return 0;
	}
	return err_set(err, ERR_USAGE,
			"Unknown features '%.*s'. Supported features are: resource, attestation, all.",
			SPAN_ARG(word));
}

/* ---- replies ------------------------------------------------------------------------------------------- */

static void say(struct server_reply *reply, int status, const char *text)
{
	reply->status = status;
	reply->content_type = NULL;
	buf_reset(&reply->body);
	buf_puts(&reply->body, text);
}

static void backend_failed(struct server_reply *reply, const char *call, const struct err *why)
{
	log_warn("refused", "request", call, LOG_ERR(why), NULL);
	buf_wipe(&reply->body);
	say(reply, 500, BACKEND_FAILED);
}

static void not_found(struct server_reply *reply)
{
	say(reply, 404, "URL NOT FOUND");
}

/* ---- /info --------------------------------------------------------------------------------------------- */

static void info(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
{
	static const char *const features[] = { "", "resource", "attestation", "all" };

	if (strcmp(request->method, "GET") != 0) {
		say(reply, 405, "Method Not Allowed");
		return;
	}
	buf_puts(&reply->body, "{\"version\":\"Cocoon " COCOON_VERSION "\"");
	if (rest->features & REST_ATTESTATION) {
		auto_json json_t *tees = agent_additional_tees(rest->agent);
		buf_printf(&reply->body, ",\"tee\":\"%s\"", agent_tee(rest->agent));
		if (json_array_size(tees)) {
			auto_free char *text = json_text(tees, false);
			buf_printf(&reply->body, ",\"additional_tees\":%s", text);
		}
	}
	buf_printf(&reply->body, ",\"feature\":\"%s\"}", features[rest->features]);
}

/* ---- /aa ----------------------------------------------------------------------------------------------- */

static void token(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
{
	auto_buf struct buf type = BUF_MAX(REST_BODY_MAX);
	struct err why = ERR_NONE;

	if (!rest_parameter(request->query, "token_type", &type)) {
		say(reply, 400, "BAD REQUEST");
		return;
	}
	reply->content_type = BINARY;
	if (agent_token(rest->agent, buf_span(&type), &reply->body, &why) < 0)
		backend_failed(reply, "/aa/token", &why);
}

/* The bytes that the parameters mean. */
static bool runtime_data(struct span query, struct buf *out)
{
	auto_buf struct buf data = BUF_MAX(REST_BODY_MAX), encoding = BUF_MAX(64);
	bool has_encoding = rest_parameter(query, "encoding", &encoding);

	if (!rest_parameter(query, "runtime_data", &data) ||
			(has_encoding && !span_is(buf_span(&encoding), "base64")))
		return false;
	if (has_encoding)
		return b64url_decode(buf_span(&data), out, NULL) == 0;
	buf_add_span(out, buf_span(&data));
	return true;
}

static void evidence(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
{
	bool additional = span_is(request->path, "/aa/additional-evidence");
	auto_buf struct buf data = BUF_MAX(REST_BODY_MAX);
	struct err why = ERR_NONE;

	if (!runtime_data(request->query, &data)) {
		say(reply, 400, "BAD REQUEST");
		return;
	}
	reply->content_type = BINARY;
	if ((additional ? agent_additional : agent_evidence)(
			    rest->agent, buf_span(&data), &reply->body, &why) < 0)
		backend_failed(reply, additional ? "/aa/additional-evidence" : "/aa/evidence", &why);
}

static void measure(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
{
	static const char *const names[] = { "domain", "operation", "content" };
	static const char *const why[] = { NULL, "The platform does not support runtime measurement",
		"Attestation Agent does not enable eventlog recording" };
	struct buf values[] = { BUF_MAX(EVENT_MAX), BUF_MAX(EVENT_MAX), BUF_MAX(EVENT_MAX) };
	enum eventlog_result result = EVENTLOG_OK;
	struct err err = ERR_NONE;

	if (serde_read_texts(request->body, names, 3, values, &err) < 0) {
		say(reply, 500, "Illegal AAEL eventry format: ");
		buf_puts(&reply->body, err.text);
	} else if (agent_measure(rest->agent, buf_span(&values[0]), buf_span(&values[1]),
				   buf_span(&values[2]), -1, &result, &err) < 0) {
		backend_failed(reply, "/aa/aael", &err);
	} else if (result == EVENTLOG_OK) {
		buf_puts(&reply->body, "{\"success\":\"true\"}");
	} else {
		buf_printf(&reply->body, "{\"success\":\"false\",\"message\": \"%s\"}", why[result]);
	}
	for (size_t i = 0; i < 3; i++)
		buf_clear(&values[i]);
}

static void agent(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
{
	static const struct {
		const char *method, *path;
		void (*answer)(const struct rest *, const struct rest_request *, struct server_reply *);
	} rows[] = {
		{ "GET", "/aa/token", token },
		{ "GET", "/aa/evidence", evidence },
		{ "GET", "/aa/additional-evidence", evidence },
		{ "POST", "/aa/aael", measure },
	};

	if (!(rest->features & REST_ATTESTATION)) {
		say(reply, 404, "Attestation Feature Not Enabled");
		return;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (strcmp(request->method, rows[i].method) != 0 || !span_is(request->path, rows[i].path))
			continue;
		rows[i].answer(rest, request, reply);
		return;
	}
	not_found(reply);
}

/* ---- /cdh ---------------------------------------------------------------------------------------------- */

static void resource(const struct rest *rest, struct span path, struct server_reply *reply)
{
	auto_secret struct secret bytes = SECRET_NONE;
	auto_buf struct buf uri = BUF_MAX(KBS_URI_MAX);
	struct err why = ERR_NONE;

	buf_puts(&uri, "kbs://");
	buf_add_span(&uri, path);
	reply->content_type = BINARY;
	if (buf_check(&uri, "the resource's path", &why) < 0 ||
			hub_resource(rest->hub, buf_span(&uri), &bytes, &why) < 0) {
		backend_failed(reply, "/cdh/resource", &why);
		return;
	}
	(void)buf_room(&reply->body, bytes.len);
	buf_add_span(&reply->body, secret_span(&bytes));
}

static void hub(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
{
	struct span root = SPAN_NONE, path = SPAN_NONE;

	if (!(rest->features & REST_RESOURCE))
		say(reply, 404, "Resource Feature Not Enabled");
	else if (rest_split(request->path, 2, &root, &path) && span_is(root, "/cdh/resource"))
		resource(rest, path, reply);
	else
		not_found(reply);
}

void rest_answer(const struct rest *rest, const struct rest_request *request, struct server_reply *reply)
{
	struct span root = SPAN_NONE, path = SPAN_NONE;
	bool has_root = rest_split(request->path, 1, &root, &path);

	if (span_is(request->path, "/info"))
		info(rest, request, reply);
	else if (has_root && span_is(root, "/aa"))
		agent(rest, request, reply);
	else if (has_root && span_is(root, "/cdh"))
		hub(rest, request, reply);
	else
		not_found(reply);
}

/* ---- for the server ------------------------------------------------------------------------------------ */

/* A request that outlives its handler. */
struct job {
	const struct rest *rest;
	struct server_later *later;
	char *method, *path, *query;
	struct buf body;
	size_t query_len;
};

static void job_free(struct job *job)
{
	free(job->method);
	free(job->path);
	free(job->query);
	buf_wipe(&job->body);
	free(job);
}

static void work(void *ctx)
{
	struct job *job = ctx;
	const struct rest_request request = { .method = job->method,
		.path = span_of(job->path),
		.query = span_new(job->query, job->query_len),
		.body = buf_span(&job->body) };
	struct server_reply reply;

	server_reply_init(&reply);
	rest_answer(job->rest, &request, &reply);
	server_answer(job->later, &reply);
	job_free(job);
}

static struct job *job_new(const struct rest *rest, const struct server_request *request)
{
	struct job *job = xcalloc(1, sizeof(*job));

	job->rest = rest;
	job->method = xstrdup(request->method);
	job->path = xstrdup(request->path);
	job->query = xmemdup0(request->query.ptr, request->query.len);
	job->query_len = request->query.len;
	buf_init(&job->body, REST_BODY_MAX);
	buf_add_span(&job->body, request->body);
	return job;
}

/* Who waits for the answer; NULL: there is nothing to wait for. */
static struct workers *workers_for(const struct rest *rest, struct span path)
{
	if ((rest->features & REST_ATTESTATION) && span_starts(path, "/aa/"))
		return rest->agent_workers;
	return (rest->features & REST_RESOURCE) && span_starts(path, "/cdh/") ? rest->hub_workers : NULL;
}

void rest_handle(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	const struct rest *rest = ctx;
	struct workers *workers = workers_for(rest, span_of(request->path));
	const struct rest_request now = { .method = request->method,
		.path = span_of(request->path),
		.query = request->query,
		.body = request->body };
	struct server_reply busy;

	if (!workers) {
		rest_answer(rest, &now, reply);
		return;
	}
	struct job *job = job_new(rest, request);
	struct server_later *later = job->later = server_defer(request);
	if (workers_add(workers, work, job))
		return;
	server_reply_init(&busy);
	say(&busy, 429, "Too Many Requests");
	server_answer(later, &busy);
	job_free(job);
}
