/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/keeper.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/own.h"
#include "cluster/rotation.h"
#include "codec/json.h"
#include "controller/conditions.h"
#include "crypto/cert.h"
#include "kube/client.h"
#include "kube/patch.h"

#include <stdio.h>
#include <string.h>

enum { MUTATING, VALIDATING, CONFIGURATIONS };

/* A round: read the Secret, do its next step, read each configuration, patch it; then rest. */
struct keeper {
	struct keeper_options options;
	char *dns_name;
	char *secret_path;
	char *secrets_path;
	char *configuration_paths[CONFIGURATIONS];
	struct timer tick;
	bool run;
	bool busy;
	bool again; /* told of a change during a round */
	json_t *classes;
	json_t *replicas;      /* NULL until it is known */
	json_t *secret;        /* as last read, or NULL */
	int64_t published;     /* monotonic time since when the bundle has stood everywhere; 0: it does not */
	char published_as[65]; /* its trust fingerprint */
	unsigned at;           /* the configuration this round is at */
	bool stands_so_far;
	bool stands;
	int64_t leaf_expiry;
	char problem[512];
};

static void round_begin(void *ctx);

static char *path_of(const struct kube_ref *ref)
{
	struct buf path = BUF_MAX(KUBE_PATH_MAX);
	struct err err = ERR_NONE;

	if (kube_path(&path, ref, &err) < 0)
		buf_reset(&path); /* a bad name: every request says so */
	return buf_take(&path);
}

struct keeper *keeper_new(const struct keeper_options *options)
{
	static const char *const plurals[] = { "mutatingwebhookconfigurations",
		"validatingwebhookconfigurations" };
	struct keeper *k = xcalloc(1, sizeof(*k));

	k->options = *options;
	k->dns_name = xasprintf("%s.%s.svc", options->service, options->namespace);
	k->secret_path = path_of(&(struct kube_ref){ .api = "v1",
			.namespace = options->namespace,
			.plural = "secrets",
			.name = options->secret });
	k->secrets_path = path_of(&(struct kube_ref){
			.api = "v1", .namespace = options->namespace, .plural = "secrets" });
	for (unsigned i = 0; i < CONFIGURATIONS; i++)
		k->configuration_paths[i] =
				path_of(&(struct kube_ref){ .api = "admissionregistration.k8s.io/v1",
						.plural = plurals[i],
						.name = options->configuration });
	k->classes = json_array();
	k->tick = (struct timer){ .fn = round_begin, .ctx = k };
	return k;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	timer_stop(kube_timers(k->options.kube), &k->tick);
	free(k->dns_name);
	free(k->secret_path);
	free(k->secrets_path);
	for (unsigned i = 0; i < CONFIGURATIONS; i++)
		free(k->configuration_paths[i]);
	json_decref(k->classes);
	json_decref(k->replicas);
	json_decref(k->secret);
	free(k);
}

static void soon(struct keeper *k)
{
	k->again = true;
	if (k->run && !k->busy)
		timer_set(kube_timers(k->options.kube), &k->tick, kube_now(k->options.kube));
}

void keeper_run(struct keeper *k, bool run)
{
	k->run = run;
	if (run)
		soon(k);
	else
		timer_stop(kube_timers(k->options.kube), &k->tick);
}

void keeper_set_classes(struct keeper *k, json_t *names)
{
	if (json_equal(k->classes, names))
		return;
	json_decref(k->classes);
	k->classes = json_incref(names);
	k->stands = false;
	soon(k);
}

void keeper_set_replicas(struct keeper *k, json_t *replicas)
{
	if (json_equal(k->replicas, replicas))
		return;
	json_decref(k->replicas);
	k->replicas = json_incref(replicas);
	soon(k);
}

bool keeper_stands(const struct keeper *k)
{
	return k->stands;
}

const char *keeper_problem(const struct keeper *k)
{
	return k->problem;
}

int64_t keeper_leaf_expiry(const struct keeper *k)
{
	return k->leaf_expiry;
}

/* ---- the end of a round ------------------------------------------------------------------------------------- */

static void round_end(struct keeper *k, const struct err *failure)
{
	int64_t now = kube_now(k->options.kube);
	bool stood = k->stands;

	k->busy = false;
	k->stands = !failure && k->run && k->stands_so_far;
	if (failure) {
		snprintf(k->problem, sizeof(k->problem), "%.500s", failure->text);
		log_warn("the webhook's registration is not as it should be", LOG_ERR(failure), NULL);
	}
	if (!k->stands)
		k->published = 0;
	else if (!k->published)
		k->published = now;
	if (stood != k->stands)
		k->options.changed(k->options.ctx);
	if (k->run)
		timer_set(kube_timers(k->options.kube), &k->tick,
				k->again || !k->stands ? now + CLOCK_SECOND
						       : now + KEEPER_EVERY * CLOCK_SECOND);
}

/* ---- the configurations ------------------------------------------------------------------------------------- */

static void read_configuration(struct keeper *k);

static void on_configured(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct keeper *k = ctx;

	(void)status;
	(void)body;
	/* somebody wrote it between: the next round reads it again */
	if (failure && failure->kind != ERR_CONFLICT && failure->kind != ERR_DENIED) {
		round_end(k, failure);
		return;
	}
	k->stands_so_far = k->stands_so_far && !failure;
	if (failure)
		snprintf(k->problem, sizeof(k->problem), "%.500s", failure->text);
	else
		log_info("webhook configuration written", "path", k->configuration_paths[k->at], NULL);
	k->at++;
	read_configuration(k);
}

static void on_configuration(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct keeper *k = ctx;
	struct buf bundle = BUF_MAX(2 * ROTATION_PEM_MAX);
	struct err err = ERR_NONE;

	(void)status;
	/* an installation without webhook, where pods wait at the gate: nothing to register */
	if (failure && failure->kind == ERR_NOT_FOUND) {
		k->at++;
		read_configuration(k);
		return;
	}
	if (failure || !k->run) {
		round_end(k, failure);
		return;
	}
	if (!json_array_size(json_object_get(body, "webhooks"))) {
		snprintf(k->problem, sizeof(k->problem),
				"a webhook configuration lists no webhook: apply the manifests again");
		k->stands_so_far = false;
	}
	if (k->options.certificates)
		rotation_bundle(k->secret, &bundle);
	auto_json json_t *patch = conditions_patch(body, buf_span(&bundle), k->classes);
	buf_clear(&bundle);
	if (!json_array_size(patch)) {
		k->at++;
		read_configuration(k);
		return;
	}
	const struct kube_request request = { .method = "PATCH",
		.path = k->configuration_paths[k->at],
		.content_type = KUBE_JSON_PATCH,
		.json = patch };
	if (!kube_start(k->options.kube, &request, &(struct kube_handler){ k, on_configured }, &err))
		round_end(k, &err);
}

static void read_configuration(struct keeper *k)
{
	struct err err = ERR_NONE;

	if (k->at == CONFIGURATIONS) {
		round_end(k, NULL);
		return;
	}
	const struct kube_request request = { .method = "GET", .path = k->configuration_paths[k->at] };
	if (!kube_start(k->options.kube, &request, &(struct kube_handler){ k, on_configuration }, &err))
		round_end(k, &err);
}

static void configure(struct keeper *k)
{
	char trust[65];

	rotation_trust(k->secret, trust);
	if (strcmp(trust, k->published_as) != 0) {
		k->published = 0;
		memcpy(k->published_as, trust, sizeof(trust));
	}
	k->at = 0;
	k->stands_so_far = true;
	read_configuration(k);
}

/* ---- the certificates --------------------------------------------------------------------------------------- */

static void on_secret_written(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct keeper *k = ctx;

	(void)status;
	if (failure) {
		round_end(k, failure);
		return;
	}
	json_decref(k->secret);
	k->secret = json_incref(body);
	configure(k);
}

/* Creates the Secret, or merges the data into it as it was read. */
static void write_secret(struct keeper *k, json_t *data)
{
	const char *version = json_text_at(k->secret, "metadata", "resourceVersion", NULL);
	auto_json json_t *object = json_pack("{s:O}", "data", data);
	struct err err = ERR_NONE;
	struct kube_request request = {
		.method = "PATCH", .path = k->secret_path, .content_type = KUBE_MERGE_PATCH
	};

	if (version) {
		json_object_set_new(object, "metadata",
				json_pack("{s:s, s:{s:n}}", "resourceVersion", version, "annotations",
						ROTATION_ASK_ANNOTATION));
	} else {
		request = (struct kube_request){ .method = "POST", .path = k->secrets_path };
		json_object_update_new(object,
				json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind",
						"Secret", "type", "Opaque", "metadata", "name",
						k->options.secret, "namespace", k->options.namespace));
		json_object_del(data, "ca-next.crt");
		json_object_del(data, "ca-next.key");
	}
	request.json = object;
	if (!kube_start(k->options.kube, &request, &(struct kube_handler){ k, on_secret_written }, &err))
		round_end(k, &err);
}

static void note_expiry(struct keeper *k)
{
	const char *text = json_text_at(k->secret, "data", "tls.crt", NULL);
	struct buf pem = BUF_MAX(ROTATION_PEM_MAX);
	auto_cert_list struct cert_list *list = NULL;

	if (text && b64_decode(span_of(text), &pem, NULL) == 0 &&
			cert_list_parse(buf_span(&pem), &list, NULL) == 0)
		k->leaf_expiry = cert_not_after(list, 0);
	buf_clear(&pem);
}

static void rotate(struct keeper *k)
{
	struct kube *kube = k->options.kube;
	const struct rotation_facts facts = {
		.secret = k->secret,
		.replicas = k->replicas,
		.dns_name = k->dns_name,
		.now = clock_wall(kube_clock(kube)) / CLOCK_SECOND,
		.published_since = k->published ? (kube_now(kube) - k->published) / CLOCK_SECOND : -1,
	};
	struct buf why = BUF_MAX(256);
	auto_json json_t *data = NULL;
	struct err err = ERR_NONE;
	enum rotation_step step = rotation_next(&facts, &why);

	note_expiry(k);
	snprintf(k->problem, sizeof(k->problem), "%.250s", step == ROTATION_WAIT ? buf_text(&why) : "");
	if (step == ROTATION_KEEP || step == ROTATION_WAIT) {
		k->again = k->again || step == ROTATION_WAIT;
		configure(k);
	} else if (rotation_apply(&facts, step, &data, &err) < 0) {
		round_end(k, &err);
	} else {
		log_info("certificates change", "step", rotation_step_name(step), "why", buf_text(&why),
				NULL);
		k->again = true;
		write_secret(k, data);
	}
	buf_clear(&why);
}

static void on_secret(void *ctx, int status, json_t *body, const struct err *failure)
{
	struct keeper *k = ctx;

	(void)status;
	if ((failure && failure->kind != ERR_NOT_FOUND) || !k->run) {
		/* or a leader no more: from here on another one writes */
		round_end(k, failure);
		return;
	}
	json_decref(k->secret);
	k->secret = failure ? NULL : json_incref(body);
	rotate(k);
}

static void round_begin(void *ctx)
{
	struct keeper *k = ctx;
	const struct kube_request request = { .method = "GET", .path = k->secret_path };
	struct err err = ERR_NONE;

	k->busy = true;
	k->again = false;
	if (!k->options.certificates) {
		k->problem[0] = '\0';
		configure(k);
		return;
	}
	if (!kube_start(k->options.kube, &request, &(struct kube_handler){ k, on_secret }, &err))
		round_end(k, &err);
}
