/* SPDX-License-Identifier: Apache-2.0 */
#include "kbs/client.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/own.h"
#include "kbs/client_own.h"
#include "net/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MILLISECOND INT64_C(1000)
#define DEADLINE    60000
#define PAUSE       500
#define TRIES       5
#define CERT_MAX    ((size_t)1024 * 1024)

/* ---- life ---------------------------------------------------------------------------------------------- */

static int read_url(const char *text, char **out, struct err *err)
{
	auto_buf struct buf base = BUF_MAX(URL_MAX);
	struct url url;

	if (url_parse(span_of(text), &url, err) < 0) {
		if (err)
			err->kind = ERR_USAGE;
		return err_wrap(err, "the key broker's URL");
	}
	if (url.query.len)
		return err_set(err, ERR_USAGE, "the key broker's URL has a query");
	url_join(&base, text, KBS_PREFIX);
	if (buf_check(&base, "the key broker's URL", err) < 0)
		return -1;
	*out = buf_take(&base);
	return 0;
}

static int read_texts(struct kbs_client *client, const struct kbs_client_options *options, struct err *err)
{
	struct span initdata = options->initdata;

	if (initdata.len > KBS_BODY_MAX || options->cert.len > CERT_MAX)
		return err_set(err, ERR_LIMIT, "init-data or certificate for the key broker are too large");
	if (!span_is_utf8(initdata) || (initdata.len && memchr(initdata.ptr, '\0', initdata.len)))
		return err_set(err, ERR_USAGE, "the init-data are no text in UTF-8");
	/* which would end before it begins, and no certificate means the system's */
	if (options->cert.len && memchr(options->cert.ptr, '\0', options->cert.len))
		return err_set(err, ERR_USAGE, "the certificate of the key broker is no text");
	if (initdata.len)
		client->initdata = xmemdup0(initdata.ptr, initdata.len);
	client->cert = xmemdup0(options->cert.ptr, options->cert.len);
	return 0;
}

static void start_waiting(struct kbs_client *client)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	if (pthread_mutex_init(&client->lock, NULL) != 0 ||
			pthread_cond_init(&client->ended, &monotonic) != 0)
		abort();
	pthread_condattr_destroy(&monotonic);
}

static struct http *make_http(const struct kbs_client *client, struct err *err)
{
	const struct http_options options = { .user_agent = "cocoon/" COCOON_VERSION,
		.tls.ca = span_of(client->cert) };

	return http_new(&options, err);
}

int kbs_client_open(const struct kbs_client_options *options, struct kbs_client **out, struct err *err)
{
	auto_kbs_client struct kbs_client *client = xcalloc(1, sizeof(*client));

	start_waiting(client);
	client->key = options->key;
	client->tee_key = options->tee_key;
	client->attester = options->attester;
	client->older = options->older;
	client->clock = options->clock;
	client->deadline = options->deadline ? options->deadline : DEADLINE;
	client->pause = options->pause ? options->pause : PAUSE;
	client->tries = options->tries ? options->tries : TRIES;
	client->version = KBS_0_4;
	if (options->tee_key && !pkey_is_private(options->tee_key))
		return err_set(err, ERR_USAGE, "the TEE key is no private key");
	if (read_url(options->url, &client->base, err) < 0 || read_texts(client, options, err) < 0)
		return -1;
	/* the first one now, so that a certificate that is none is found here */
	client->idle[0] = make_http(client, err);
	if (!client->idle[0])
		return err_wrap(err, "the certificate of the key broker");
	client->idle_count = 1;
	*out = take(&client);
	return 0;
}

void kbs_client_free(struct kbs_client *client)
{
	if (!client)
		return;
	while (client->idle_count)
		http_free(client->idle[--client->idle_count]);
	kbs_session_free(client->session);
	pthread_cond_destroy(&client->ended);
	pthread_mutex_destroy(&client->lock);
	free(client->base);
	free(client->cert);
	free(client->initdata);
	free(client);
}

struct kbs_client_counts kbs_client_counts(struct kbs_client *client)
{
	return (struct kbs_client_counts){ .handshakes = atomic_load(&client->handshakes),
		.requests = atomic_load(&client->requests),
		.retries = atomic_load(&client->retries) };
}

/* ---- calls --------------------------------------------------------------------------------------------- */

static int call_begin(struct kbs_client *client, struct kbs_call *call, struct err *err)
{
	call->client = client;
	call->until = clock_mono(&clock_real) + client->deadline * MILLISECOND;
	pthread_mutex_lock(&client->lock);
	call->http = client->idle_count ? client->idle[--client->idle_count] : NULL;
	pthread_mutex_unlock(&client->lock);
	if (!call->http)
		call->http = make_http(client, err);
	return call->http ? 0 : -1;
}

static void call_end(struct kbs_call *call)
{
	struct kbs_client *client = call->client;

	if (!call->http)
		return;
	pthread_mutex_lock(&client->lock);
	bool rests = client->idle_count < KBS_IDLE_MAX;
	if (rests)
		client->idle[client->idle_count++] = call->http;
	pthread_mutex_unlock(&client->lock);
	if (!rests)
		http_free(call->http);
}
#define auto_kbs_call __attribute__((cleanup(call_end)))

/* ---- sessions ------------------------------------------------------------------------------------------ */

static void session_drop(struct kbs_client *client, struct kbs_session *session)
{
	if (!session)
		return;
	pthread_mutex_lock(&client->lock);
	bool last = --session->refs == 0;
	pthread_mutex_unlock(&client->lock);
	if (last)
		kbs_session_free(session);
}

/* Under the lock: makes the session the one that is kept. The caller's reference stays his. */
static void keep(struct kbs_client *client, struct kbs_session *session)
{
	struct kbs_session *old = client->session;

	session->number = old ? old->number + 1 : 1;
	session->refs++;
	client->session = session;
	if (old && --old->refs == 0)
		kbs_session_free(old);
}

/* Under the lock, which it lets go meanwhile. NULL with *err set. */
static struct kbs_session *lead(const struct kbs_call *call, struct err *err)
{
	struct kbs_client *client = call->client;
	enum kbs_version version = client->version;
	struct kbs_session *session = NULL;
	struct err failure = ERR_NONE;

	client->shaking = true;
	pthread_mutex_unlock(&client->lock);
	int status = kbs_shake(call, &version, &session, &failure);
	pthread_mutex_lock(&client->lock);
	client->shaking = false;
	client->outcomes++;
	client->version = version;
	if (status == 0) {
		err_clear(&failure);
		keep(client, session);
	}
	client->failure = failure;
	pthread_cond_broadcast(&client->ended);
	if (status < 0 && err)
		*err = failure;
	return session;
}

/* Under the lock: until the handshake that somebody else leads has ended. */
static int await(const struct kbs_call *call, struct err *err)
{
	struct kbs_client *client = call->client;
	unsigned long before = client->outcomes;
	struct timespec until = { .tv_sec = call->until / CLOCK_SECOND,
		.tv_nsec = call->until % CLOCK_SECOND * 1000 };

	while (client->outcomes == before)
		if (pthread_cond_timedwait(&client->ended, &client->lock, &until) == ETIMEDOUT)
			return err_set(err, ERR_RETRY,
					"no attestation at the key broker came to an end within %d ms",
					client->deadline);
	/* what the other had no time left for is worth another try */
	if (client->failure.kind == ERR_OK || client->failure.kind == ERR_RETRY)
		return 0;
	if (err)
		*err = client->failure;
	return -1;
}

/* A session newer than number `stale`, with a reference for the caller; NULL with *err set. */
static struct kbs_session *session_get(const struct kbs_call *call, unsigned long stale, struct err *err)
{
	struct kbs_client *client = call->client;
	struct kbs_session *found = NULL;
	bool waited = false, failed = false;

	pthread_mutex_lock(&client->lock);
	while (!found && !failed) {
		struct kbs_session *kept = client->session;
		bool newer = kept && kept->number > stale;
		/* one that was waited for counts, however short its life is */
		if (newer && (waited || kept->good_until > clock_mono(client->clock))) {
			found = kept;
			found->refs++;
		} else if (!client->shaking) {
			found = lead(call, err);
			failed = !found;
		} else {
			stale = newer ? kept->number : stale;
			failed = await(call, err) < 0;
			waited = true;
		}
	}
	pthread_mutex_unlock(&client->lock);
	return found;
}

static unsigned long last_number(struct kbs_client *client)
{
	pthread_mutex_lock(&client->lock);
	unsigned long number = client->session ? client->session->number : 0;
	pthread_mutex_unlock(&client->lock);
	return number;
}

/* ---- resources ----------------------------------------------------------------------------------------- */

/* *stale: another token may do better: the broker does not know this one any more, or judged the guest a while ago. */
static int refuse(const struct http_response *response, bool old, bool *stale, struct err *err)
{
	struct kbs_failure failure = { .variant = KBS_OTHER_ERROR };
	bool known = kbs_failure_parse(buf_span(&response->body), &failure);

	if (response->status == 404)
		return kbs_refused(response, ERR_NOT_FOUND, "the key broker has no such resource", err);
	if (response->status == 413)
		return kbs_refused(response, ERR_LIMIT, "the request is too large for the key broker", err);
	if (known && failure.variant == KBS_POLICY_DENY) {
		*stale = old;
		return kbs_refused(response, ERR_DENIED, "the key broker's policy denies it", err);
	}
	if (known && failure.variant == KBS_PLUGIN_INTERNAL_ERROR)
		return kbs_refused(response, ERR_DENIED,
				"the key broker could not give it out; perhaps there is no such resource",
				err);
	*stale = known && response->status == 401 &&
			(failure.variant == KBS_TOKEN_NOT_FOUND ||
					failure.variant == KBS_TOKEN_VERIFIER_ERROR);
	return kbs_refused(response, *stale ? ERR_AUTH : ERR_DENIED, "the key broker refused it", err);
}

static int fetch(const struct kbs_call *call, const struct kbs_session *session, const struct kbs_uri *uri,
		struct secret *out, bool *stale, struct err *err)
{
	auto_response struct http_response response = HTTP_RESPONSE_NONE;
	auto_buf struct buf path = BUF_MAX(URL_MAX);

	buf_printf(&path, "/%s/%s%s%s", uri->plugin, uri->path, uri->query[0] ? "?" : "", uri->query);
	const struct kbs_ask ask = { .method = "GET",
		.path = buf_text(&path),
		.cookies = buf_text(&session->cookies),
		.bearer = buf_text(&session->token) };
	if (kbs_ask(call, &ask, &response, err) < 0)
		return -1;
	if (response.status != 200)
		return refuse(&response, clock_mono(call->client->clock) - session->made > KBS_TOKEN_FRESH,
				stale, err);
	return kbs_open(session, buf_span(&response.body), out, err);
}

static int get(const struct kbs_call *call, const struct kbs_uri *uri, struct secret *out, struct err *err)
{
	unsigned long number = 0;
	bool stale = true;
	int status = -1;

	for (int round = 0; round < 2 && stale; round++) {
		stale = false;
		err_clear(err);
		struct kbs_session *session = session_get(call, number, err);
		if (!session)
			return -1;
		number = session->number;
		status = fetch(call, session, uri, out, &stale, err);
		session_drop(call->client, session);
	}
	return status;
}

int kbs_client_get(struct kbs_client *client, const struct kbs_uri *uri, struct secret *out, struct err *err)
{
	auto_kbs_call struct kbs_call call = { .client = client };
	auto_buf struct buf name = BUF_MAX(4 * KBS_URI_MAX);

	if (call_begin(client, &call, err) < 0)
		return -1;
	if (get(&call, uri, out, err) == 0)
		return 0;
	kbs_uri_format(uri, &name);
	return err_wrap(err, "%s", buf_text(&name));
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

static int format_key(const struct pkey *key, struct secret *out, struct err *err)
{
	if (pkey_kind(key) == PKEY_RSA)
		return pkey_format_pkcs1(key, out, err);
	return pkey_format_private(key, out, err);
}

int kbs_client_token(
		struct kbs_client *client, bool fresh, struct buf *token, struct secret *key, struct err *err)
{
	auto_kbs_call struct kbs_call call = { .client = client };

	if (call_begin(client, &call, err) < 0)
		return err_wrap(err, "a token of the key broker");
	struct kbs_session *session = session_get(&call, fresh ? last_number(client) : 0, err);
	if (!session)
		return err_wrap(err, "a token of the key broker");
	int status = key ? format_key(session->key, key, err) : 0;
	if (status == 0)
		buf_add_span(token, buf_span(&session->token));
	session_drop(client, session);
	return status < 0 ? -1 : buf_check(token, "the token", err);
}
