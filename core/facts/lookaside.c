/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of GPG simple signing in a folder or on a web server (containers-signature(5), containers-registries.d(5)). */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "facts/fetch_own.h"
#include "net/http.h"
#include "policy/registry.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_SCHEME   "file://"
#define REDIRECTS_MAX 5
#define TURN          500   /* ms */
#define IDLE          20000 /* ms */
#define PLACE_MAX     ((size_t)URL_MAX + 1024)

/* One store, and the file in it that is looked at. */
struct lookaside {
	struct fetch *fetch;
	char *base;        /* as the policy has it, without '/'s at its end */
	struct http *http; /* NULL until it is needed */
	struct buf place;  /* of the file */
	struct buf bytes;
	bool there;
	bool large; /* more than a signature may have: nothing is kept */
};

static int copy_err(const struct err *from, struct err *err)
{
	if (err)
		*err = *from;
	return -1;
}

/* ---- files ---- */

/* Below the base no link is followed: who may write into a store may not make us read what lies elsewhere. */
static int open_below(const char *base, char *path, struct err *err)
{
	auto_fd int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *rest = path, *slash;

	while (fd >= 0 && (slash = strchr(rest, '/'))) {
		*slash = '\0';
		int next = openat(fd, rest, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		own_close(&fd);
		fd = next;
		rest = slash + 1;
	}
	/* a pipe would have us wait for who writes into it */
	int file = fd < 0 ? -1 : openat(fd, rest, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (file < 0)
		err_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "opening it");
	return file;
}

static bool is_regular(int fd, struct err *err)
{
	struct stat what;

	if (fd < 0)
		return false;
	if (fstat(fd, &what) == 0 && S_ISREG(what.st_mode))
		return true;
	err_set(err, ERR_IO, "what is there is no regular file");
	return false;
}

static int read_file(struct lookaside *self, struct err *err)
{
	const char *base = self->base + strlen(FILE_SCHEME);
	auto_free char *path = xstrdup(buf_text(&self->place) + strlen(self->base) + 1);
	struct err why = ERR_NONE;
	auto_fd int fd = open_below(*base ? base : "/", path, &why);

	self->there = is_regular(fd, &why) && fs_read_fd(fd, buf_text(&self->place), &self->bytes, &why) == 0;
	self->large = why.kind == ERR_LIMIT;
	if (self->there || self->large || why.kind == ERR_NOT_FOUND)
		return 0;
	return copy_err(&why, err);
}

/* ---- the web ---- */

/* The policy has named the store's host, and nothing that it leads to. */
static int connect_web(struct lookaside *self, struct err *err)
{
	const struct oci_access *access = &self->fetch->access;
	auto_buf struct buf host = BUF_MAX(URL_MAX);
	struct url url;

	if (self->http)
		return 0;
	if (url_parse(span_of(self->base), &url, err) < 0)
		return -1;
	buf_printf(&host, url.ipv6 ? "[%.*s]" : "%.*s", SPAN_ARG(url.host));
	if (url.port != (url.tls ? 443 : 80))
		buf_printf(&host, ":%u", (unsigned)url.port);
	const struct http_options options = { .tls = { .ca = access->ca, .ca_adds = true },
		.proxy = access->proxy,
		.no_proxy = access->no_proxy,
		.user_agent = access->user_agent,
		.guard = access->guard,
		.vouched = buf_text(&host),
		.stop = access->stop };
	self->http = http_new(&options, err);
	return self->http ? 0 : -1;
}

struct visit {
	struct lookaside *lookaside;
	struct http_response answer;
	struct err failure;
	bool done;
};

static int on_head(void *ctx, const struct http_response *response, struct err *err)
{
	struct visit *visit = ctx;

	(void)err;
	visit->answer = *response;
	return 0;
}

static int on_body(void *ctx, struct span bytes, struct err *err)
{
	struct visit *visit = ctx;
	struct buf *out = &visit->lookaside->bytes;

	/* what stands in a refusal is not wanted */
	if (visit->answer.status != 200)
		return 0;
	buf_add_span(out, bytes);
	visit->lookaside->large = out->over;
	return buf_check(out, "the signature", err);
}

static void on_done(void *ctx, const struct http_response *response, const struct err *failure)
{
	struct visit *visit = ctx;

	(void)response;
	visit->done = true;
	if (failure)
		visit->failure = *failure;
}

static int visit_once(struct visit *visit, const char *url, struct err *err)
{
	struct http *http = visit->lookaside->http;
	struct fetch *fetch = visit->lookaside->fetch;

	if (fetch_goes_on(fetch, err) < 0)
		return -1;
	buf_reset(&visit->lookaside->bytes);
	visit->done = false;
	const struct http_request request = { .method = "GET",
		.url = url,
		.max_body = 4 * IMAGE_PAYLOAD_MAX,
		.total_timeout = fetch->access.deadline_ms,
		.idle_timeout = IDLE };
	const struct http_handler handler = {
		.ctx = visit, .head = on_head, .body = on_body, .done = on_done
	};
	struct http_call *call = http_start(http, &request, &handler, err);
	if (!call)
		return -1;
	while (!visit->done)
		if (fetch_goes_on(fetch, err) < 0 || http_turn(http, TURN, NULL, 0, err) < 0) {
			http_cancel(http, call);
			return -1;
		}
	if (visit->failure.kind != ERR_OK && !visit->lookaside->large)
		return copy_err(&visit->failure, err);
	return 0;
}

static bool is_redirect(int status)
{
	return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

static int follow(const struct visit *visit, struct buf *url, struct err *err)
{
	auto_buf struct buf next = BUF_MAX(URL_MAX);
	struct url base, target;

	if (!*visit->answer.location)
		return err_set(err, ERR_FORMAT, "HTTP %d without a Location", visit->answer.status);
	if (url_parse(buf_span(url), &base, err) < 0 ||
			url_resolve(&base, span_of(visit->answer.location), &next, err) < 0 ||
			url_parse(buf_span(&next), &target, err) < 0)
		return -1;
	if (base.tls && !target.tls)
		return err_set(err, ERR_DENIED,
				"it leads from https to http at '%.*s', which is not followed",
				SPAN_ARG(target.host));
	buf_reset(url);
	buf_add_span(url, buf_span(&next));
	return 0;
}

static int judge_answer(struct lookaside *self, const struct http_response *answer, struct err *err)
{
	int status = answer->status;

	self->there = status == 200 && !self->large;
	if (status == 200 || status == 404)
		return 0;
	/* no ERR_RETRY: the registry did not ask for patience, and others need it without the store */
	err_set(err, status == 429 || status >= 500 ? ERR_IO : ERR_DENIED, "HTTP %d", status);
	if (err)
		err->retry_after = answer->retry_after;
	return -1;
}

static int read_web(struct lookaside *self, struct err *err)
{
	auto_buf struct buf url = BUF_MAX(URL_MAX);
	struct visit *visit = xcalloc(1, sizeof(*visit));
	int status = connect_web(self, err), redirects = 0;

	visit->lookaside = self;
	buf_add_span(&url, buf_span(&self->place));
	if (!status)
		status = visit_once(visit, buf_text(&url), err);
	while (!status && is_redirect(visit->answer.status)) {
		if (++redirects > REDIRECTS_MAX)
			status = err_set(err, ERR_LIMIT, "it sent us on more than %d times", REDIRECTS_MAX);
		if (!status)
			status = follow(visit, &url, err);
		if (!status)
			status = visit_once(visit, buf_text(&url), err);
	}
	if (!status)
		status = judge_answer(self, &visit->answer, err);
	free(visit);
	return status;
}

/* ---- the store ---- */

static int read_one(struct lookaside *self, const char *digest, int number, struct err *err)
{
	size_t colon = strcspn(digest, ":");
	bool local = !strncmp(self->base, FILE_SCHEME, strlen(FILE_SCHEME));

	buf_reset(&self->place);
	buf_reset(&self->bytes);
	self->bytes.over = self->there = self->large = false;
	buf_printf(&self->place, "%s/%s@%.*s=%s/signature-%d", self->base, self->fetch->want->name.repository,
			(int)colon, digest, digest + colon + 1, number);
	if (buf_check(&self->place, "the signature's address", err) < 0)
		return -1;
	if ((local ? read_file(self, err) : read_web(self, err)) < 0)
		return err_wrap(err, "the signature store at '%.200s'", self->base);
	return 0;
}

static void keep(struct lookaside *self, const char *digest)
{
	struct fetch *fetch = self->fetch;
	struct image_signature *signature = fetch_signature(fetch);
	struct err why = ERR_NONE;

	if (!signature)
		return;
	*signature = (struct image_signature){ .layout = IMAGE_SIG_SIMPLE,
		.subject = arena_text(&fetch->memory, digest),
		.place = arena_text(&fetch->memory, buf_text(&self->place)),
		.type = "" };
	if (self->large) {
		fetch_problem(fetch, signature, "is larger than any signature");
		return;
	}
	if (fetch_spends(fetch, self->bytes.len, &why) < 0) {
		fetch_problem(fetch, signature, why.text);
		return;
	}
	signature->payload = arena_bytes(&fetch->memory, buf_span(&self->bytes));
	fetch->checkable++;
}

static int read_digest(struct lookaside *self, const char *digest, struct err *err)
{
	for (int number = 1; number <= LOOKASIDE_FILES_MAX; number++) {
		if (read_one(self, digest, number, err) < 0)
			return -1;
		if (!self->there && !self->large)
			return 0;
		keep(self, digest);
	}
	self->fetch->more = true;
	return 0;
}

static int read_store(struct fetch *fetch, const char *base, const char *const *digests, size_t count,
		struct err *err)
{
	size_t len = strlen(base);

	while (len && base[len - 1] == '/')
		len--;
	auto_free char *text = xmemdup0(base, len);
	struct lookaside self = {
		.fetch = fetch, .base = text, .place = BUF_MAX(PLACE_MAX), .bytes = BUF_MAX(IMAGE_PAYLOAD_MAX)
	};
	int status = 0;
	for (size_t i = 0; !status && i < count; i++)
		status = read_digest(&self, digests[i], err);
	http_free(self.http);
	buf_clear(&self.place);
	buf_clear(&self.bytes);
	return status;
}

int fetch_lookasides(struct fetch *fetch, const char *const *digests, size_t count, struct err *err)
{
	for (size_t i = 0; i < fetch->want->lookaside_count; i++)
		if (read_store(fetch, fetch->want->lookasides[i], digests, count, err) < 0)
			return -1;
	return 0;
}
