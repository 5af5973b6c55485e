/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/own.h"
#include "e2e/kbs/admin_auth.h"
#include "e2e/kbs/appraisal.h"
#include "e2e/kbs/broker_own.h"
#include "e2e/kbs/references.h"
#include "e2e/kbs/sessions.h"
#include "e2e/kbs/signer.h"
#include "e2e/kbs/store.h"
#include "e2e/kbs/trust.h"

#include <string.h>

#define METHODS "GET, POST, PUT, DELETE"

/* ---- life --------------------------------------------------------------------------------------------------- */

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	release_free(broker->release);
	appraiser_free(broker->appraiser);
	admin_auth_free(broker->admin);
	trust_free(broker->trust);
	signer_free(broker->signer);
	sessions_free(broker->sessions);
	references_free(broker->references);
	audit_free(broker->audit);
	store_free(broker->store);
	free(broker);
}

static int open_keys(struct broker *broker, struct err *err)
{
	const struct broker_options *options = &broker->options;

	if (signer_open(options->signer_key, options->signer_cert, &broker->signer, err) < 0)
		return -1;
	const struct trust_options trust = { .own = signer_key(broker->signer),
		.cert_file = options->trust_cert,
		.jwks_file = options->trust_jwks,
		.insecure_header_jwk = options->insecure_header_jwk };
	const struct admin_auth_options admin = { .insecure = options->insecure_admin,
		.public_keys = &options->admin_keys,
		.rules = &options->admin_rules,
		.issuer = options->admin_issuer,
		.audience = options->admin_audience };
	if (trust_open(&trust, &broker->trust, err) < 0)
		return -1;
	return admin_auth_open(&admin, &broker->admin, err);
}

static int open_all(struct broker *broker, struct err *err)
{
	const struct broker_options *options = &broker->options;
	const struct release_options release = {
		.policy = options->policy, .allow = &options->allow_initdata, .opa = options->opa
	};
	struct release_options with_store = release;

	if (audit_open(options->audit, options->clock, &broker->audit, err) < 0 ||
			open_keys(broker, err) < 0 || store_open(options->storage, &broker->store, err) < 0 ||
			references_open(broker->store, options->clock, &broker->references, err) < 0)
		return -1;
	with_store.store = broker->store;
	if (appraiser_open(options->opa, broker->store, broker->references, &broker->appraiser, err) < 0)
		return -1;
	return release_open(&with_store, &broker->release, err);
}

int broker_open(const struct broker_options *options, struct broker **out, struct err *err)
{
	struct broker *broker = xcalloc(1, sizeof(*broker));

	broker->options = *options;
	broker->sessions = sessions_new(options->clock, options->random, SESSION_SECONDS, SESSIONS_MAX);
	if (open_all(broker, err) < 0) {
		broker_free(broker);
		return -1;
	}
	*out = broker;
	return 0;
}

/* ---- replies ------------------------------------------------------------------------------------------------ */

static void refuse(struct errand *errand, int status, enum kbs_variant variant, const char *detail)
{
	buf_wipe(&errand->reply->body);
	errand->reply->status = status;
	errand->reply->content_type = NULL;
	kbs_failure_format(variant, detail, &errand->reply->body);
}

static enum counter refusals_of(const char *event)
{
	if (event && strcmp(event, "attestation") == 0)
		return COUNT_ATTESTATIONS_REFUSED;
	if (event && strcmp(event, "release") == 0)
		return COUNT_RELEASES_REFUSED;
	return event ? COUNT_CHANGES_REFUSED : COUNT_OTHERS;
}

/* A refusal stands whether or not it can be written down. */
static void record_refusal(struct errand *errand, const char *detail, const struct err *why)
{
	struct err err = ERR_NONE;

	if (!errand->audit.event || errand->recorded)
		return;
	errand->audit.cause = why->text[0] ? why->text : detail;
	errand->audit.allowed = false;
	errand->recorded = true;
	if (audit_write(errand->broker->audit, &errand->audit, &err) < 0)
		log_error("the audit log cannot be written", LOG_ERR(&err), NULL);
}

void errand_fail(struct errand *errand, enum kbs_variant variant, const char *detail, const struct err *why)
{
	bool more = errand->broker->options.verbose_errors && why->text[0] && !strstr(detail, why->text);
	auto_free char *full = more ? xasprintf("%s: %s", detail, why->text) : xstrdup(detail);

	refuse(errand, 401, variant, full);
	errand->failed = true;
	errand->broker->counts[refusals_of(errand->audit.event)]++;
	log_warn("refused", "request", errand->request->path, "method", errand->request->method, "peer",
			errand->request->peer, "type", kbs_variant_name(variant), "detail", detail, "cause",
			why->text, NULL);
	record_refusal(errand, detail, why);
}

void errand_no_plugin(struct errand *errand)
{
	auto_free char *detail = xasprintf("Plugin %.*s not found", SPAN_ARG(errand->plugin));

	refuse(errand, 404, KBS_PLUGIN_NOT_FOUND, detail);
	errand->broker->counts[COUNT_OTHERS]++;
}

void errand_succeed(struct errand *errand, const char *type)
{
	errand->reply->status = 200;
	errand->reply->content_type = type;
}

int errand_record(struct errand *errand, enum kbs_variant variant, const char *detail)
{
	struct err err = ERR_NONE;

	errand->audit.allowed = true;
	errand->recorded = true;
	if (audit_write(errand->broker->audit, &errand->audit, &err) == 0)
		return 0;
	err_wrap(&err, "the audit log cannot be written");
	errand_fail(errand, variant, detail, &err);
	return -1;
}

/* ---- other paths -------------------------------------------------------------------------------------------- */

static void put_metrics(struct broker *broker, struct buf *out)
{
	static const struct {
		const char *name, *help;
	} table[COUNTERS] = {
		[COUNT_CHALLENGES] = { "dev_kbs_challenges_total", "Challenges given." },
		[COUNT_ATTESTED] = { "dev_kbs_attestations_total", "Attestations that were good." },
		[COUNT_ATTESTATIONS_REFUSED] = { "dev_kbs_attestations_refused_total",
				"Attestations refused." },
		[COUNT_RELEASED] = { "dev_kbs_releases_total", "Resources released." },
		[COUNT_RELEASES_REFUSED] = { "dev_kbs_releases_refused_total", "Resources refused." },
		[COUNT_CHANGED] = { "dev_kbs_administration_total", "Requests of administrators done." },
		[COUNT_CHANGES_REFUSED] = { "dev_kbs_administration_refused_total",
				"Requests of administrators refused." },
		[COUNT_OTHERS] = { "dev_kbs_other_refusals_total", "Other requests refused." },
	};

	for (enum counter i = 0; i < COUNTERS; i++) {
		metric_head(out, table[i].name, "counter", table[i].help);
		metric_count(out, table[i].name, "", broker->counts[i]);
	}
	metric_head(out, "dev_kbs_sessions", "gauge", "Sessions that have not ended.");
	metric_count(out, "dev_kbs_sessions", "", sessions_count(broker->sessions));
}

/* True for a path outside the protocol, which is answered then: empty bodies, as the real service has them. */
static bool answer_outside(
		struct broker *broker, const struct server_request *request, struct server_reply *reply)
{
	bool get = strcmp(request->method, "GET") == 0;

	if (span_starts(span_of(request->path), KBS_PREFIX "/"))
		return false;
	reply->content_type = NULL;
	if (strcmp(request->path, "/metrics") == 0) {
		reply->status = get ? 200 : 405;
		reply->content_type = get ? METRICS_TYPE : NULL;
		if (get)
			put_metrics(broker, &reply->body);
		return true;
	}
	reply->status = strcmp(request->path, "/healthz") == 0 && get ? 200 : 404;
	return true;
}

/* ---- routing ------------------------------------------------------------------------------------------------ */

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Percent-escapes are resolved where they are well-formed, and stay where they are not. */
static char *decode(struct span text)
{
	auto_buf struct buf out = BUF_MAX(text.len);

	for (size_t i = 0; i < text.len; i++) {
		int high = text.ptr[i] == '%' && text.len - i > 2 ? hex_value(text.ptr[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
		bool escape = low >= 0 && high * 16 + low > 0;
		buf_putc(&out, escape ? (char)(high * 16 + low) : text.ptr[i]);
		i += escape ? 2 : 0;
	}
	return buf_take(&out);
}

static void route(struct errand *errand)
{
	static const struct {
		const char *name, *method;
		void (*run)(struct errand *errand);
	} table[] = {
		{ "auth", "POST", errand_auth },
		{ "attest", "POST", errand_attest },
		{ "resource-policy", "GET", errand_resource_policy },
		{ "resource-policy", "POST", errand_resource_policy },
		{ "attestation-policy", "POST", errand_attestation_policy },
		{ "reference-value", "POST", errand_reference_value },
		{ "reference-value", "GET", errand_reference_value },
		{ "resource", "GET", errand_fetch },
		{ "resource", "PUT", errand_fetch },
		{ "resource", "POST", errand_change },
		{ "resource", "DELETE", errand_change },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (span_is(errand->plugin, table[i].name) &&
				strcmp(errand->request->method, table[i].method) == 0) {
			table[i].run(errand);
			return;
		}
	errand_no_plugin(errand);
}

static bool is_served(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
			strcmp(method, "DELETE") == 0;
}

void broker_handle(void *ctx, const struct server_request *request, struct server_reply *reply)
{
	struct errand errand = { .broker = ctx, .request = request, .reply = reply, .version = KBS_0_4 };

	if (answer_outside(ctx, request, reply))
		return;
	if (!is_served(request->method)) {
		reply->status = 405;
		reply->content_type = NULL;
		reply->allow = METHODS;
		return;
	}
	if (request->body.len > KBS_BODY_MAX) {
		reply->status = 413;
		reply->content_type = "text/plain; charset=utf-8";
		buf_puts(&reply->body, "payload reached size limit");
		return;
	}
	auto_free char *path = decode(span_from(span_of(request->path), sizeof(KBS_PREFIX)));
	errand.path = path;
	struct span whole = span_of(path);
	size_t slash = span_find(whole, '/');
	errand.plugin = span_new(path, slash);
	if (slash < whole.len)
		errand.rest = span_from(whole, slash + 1);
	errand.audit.peer = request->peer;
	route(&errand);
}
