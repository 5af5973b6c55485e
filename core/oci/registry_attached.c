/* SPDX-License-Identifier: Apache-2.0 */
/* What is attached to an image at a registry (oci/attached.h): the tag and the first page at once, then the manifests. */
#include "oci/attached_own.h"
#include "oci/manifest.h"
#include "oci/registry_own.h"

#include "base/alloc.h"
#include "base/own.h"
#include "net/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE  4  /* manifests; each may need a connection of its own, which costs more than a request */
#define PAGES    50 /* of a listing: as many entries as are read, 20 a page */
#define WHAT_MAX (OCI_DIGEST_MAX + 64)

/* One request of several. */
struct fetch {
	struct ask ask;
	char what[OCI_TEXT_MAX + WHAT_MAX];
};

struct hunt {
	struct registry *registry;
	const char *digest;
	struct attached *out;
	int64_t deadline;
	struct listing listing;
	enum attached_via via; /* where the listing is from */
};

static void fetch_free(struct hunt *hunt, struct fetch *fetch)
{
	if (fetch)
		ask_clear(hunt->registry, &fetch->ask);
	free(fetch);
}

/* kind: "manifests" or "referrers". NULL with *err set. */
static struct fetch *fetch_begin(struct hunt *hunt, const char *kind, const char *reference, struct err *err)
{
	struct fetch *fetch = xmalloc(sizeof(*fetch));
	struct ask *ask = &fetch->ask;

	*ask = (struct ask)ASK_NONE;
	snprintf(fetch->what, sizeof(fetch->what), "%s: the %s '%s'", hunt->registry->place.text, kind,
			reference);
	ask->method = "GET";
	ask->what = fetch->what;
	ask->fields[0] = strcmp(kind, "manifests") ? "Accept: " OCI_TYPE_INDEX : REGISTRY_ACCEPT;
	ask->max = registry_max(hunt->registry);
	ask->also = 404;
	ask->deadline = hunt->deadline;
	registry_url(hunt->registry, kind, reference, &ask->url);
	if (ask_begin(hunt->registry, ask, err) == 0)
		return fetch;
	fetch_free(hunt, fetch);
	return NULL;
}

/* Too much of it: the rest is unknown, and that is said. */
static int fetch_finish(struct hunt *hunt, struct fetch *fetch, bool *there, struct err *err)
{
	struct err why = ERR_NONE;

	*there = false;
	if (ask_finish(hunt->registry, &fetch->ask, &why) == 0) {
		*there = fetch->ask.answer.status != 404;
		return 0;
	}
	if (why.kind == ERR_LIMIT && fetch->ask.failure.kind == ERR_LIMIT) {
		hunt->out->more = true;
		return 0;
	}
	if (err)
		*err = why;
	return -1;
}

/* ---- manifests ----------------------------------------------------------------------------------------- */

/* The manifest of an answer; of a digest, when it was asked for by that. */
static int take_manifest(const struct fetch *fetch, const char *digest, struct oci_manifest_bytes *out,
		struct err *err)
{
	if (registry_take_manifest(&fetch->ask, out, err) < 0)
		return -1;
	if (!digest && out->digest[0])
		digest = out->digest;
	if (digest && !oci_digest_fits(digest, buf_span(&out->bytes)))
		return err_set(err, ERR_AUTH, "%s: what came is not what its digest says", fetch->what);
	if (!digest)
		oci_digest_of(buf_span(&out->bytes), out->digest);
	else if (digest != out->digest)
		snprintf(out->digest, sizeof(out->digest), "%s", digest);
	return 0;
}

/* Any manifest under the signatures' tag counts; what is none is no signature either. */
static int finish_tag(struct hunt *hunt, struct fetch *fetch, struct err *err)
{
	struct oci_manifest_bytes manifest = OCI_MANIFEST_NONE;
	enum oci_kind kind;
	const char *type;
	bool there;

	if (fetch_finish(hunt, fetch, &there, err) < 0)
		return -1;
	if (!there)
		return 0;
	int result = take_manifest(fetch, NULL, &manifest, err);
	if (!result && oci_kind_of(buf_span(&manifest.bytes), manifest.media_type, &kind, &type, NULL) == 0) {
		snprintf(manifest.media_type, sizeof(manifest.media_type), "%s", type);
		(void)attached_add(hunt->out, ATTACHED_BY_TAG, &manifest);
	}
	buf_clear(&manifest.bytes);
	return result;
}

static int finish_referrer(struct hunt *hunt, struct fetch *fetch, const char *digest, struct err *err)
{
	struct oci_manifest_bytes manifest = OCI_MANIFEST_NONE;
	bool there;

	if (fetch_finish(hunt, fetch, &there, err) < 0)
		return -1;
	/* lists outlive what they name */
	if (!there)
		return 0;
	int result = take_manifest(fetch, digest, &manifest, err);
	if (!result && attached_is_about(&manifest, hunt->digest))
		(void)attached_add(hunt->out, hunt->via, &manifest);
	buf_clear(&manifest.bytes);
	return result;
}

/* All that the listing names, some at once, in its order. */
static int fetch_listed(struct hunt *hunt, struct err *err)
{
	const struct listing *listing = &hunt->listing;
	struct fetch *running[AT_ONCE] = { NULL };
	size_t begun = 0;
	int result = 0;

	for (size_t i = 0; !result && i < listing->count; i++) {
		while (!result && begun < listing->count && begun < i + AT_ONCE) {
			struct fetch **slot = &running[begun % AT_ONCE];
			*slot = fetch_begin(hunt, "manifests", listing->digests[begun], err);
			result = *slot ? 0 : -1;
			begun++;
		}
		if (result)
			break;
		result = finish_referrer(hunt, running[i % AT_ONCE], listing->digests[i], err);
		fetch_free(hunt, take(&running[i % AT_ONCE]));
	}
	for (size_t i = 0; i < AT_ONCE; i++)
		fetch_free(hunt, running[i]);
	return result;
}

/* ---- the listing --------------------------------------------------------------------------------------- */

static bool is_index_type(const char *content_type)
{
	struct span type = span_of(content_type);

	type.len = span_find(type, ';');
	return span_is(span_trim(type), OCI_TYPE_INDEX);
}

/* The address of the page behind this one; "" when there is none that we would follow. */
static void next_page(struct hunt *hunt, const struct fetch *fetch, struct buf *out)
{
	const struct http_response *answer = &fetch->ask.answer;
	struct url base, next, origin;
	struct span target;

	buf_reset(out);
	hunt->out->more |= answer->link_cut;
	if (!link_next(span_of(answer->link), &target))
		return;
	/* to another host nobody is followed with our credentials, and without them there is nothing to gain */
	if (url_parse(buf_span(&fetch->ask.url), &base, NULL) == 0 &&
			url_resolve(&base, target, out, NULL) == 0 &&
			url_parse(buf_span(out), &next, NULL) == 0 &&
			url_parse(span_of(hunt->registry->origin), &origin, NULL) == 0 &&
			url_same_origin(&next, &origin))
		return;
	buf_reset(out);
	hunt->out->more = true;
}

static struct fetch *page_begin(struct hunt *hunt, const struct buf *url, struct err *err)
{
	struct fetch *fetch = xmalloc(sizeof(*fetch));

	fetch->ask = (struct ask)ASK_NONE;
	snprintf(fetch->what, sizeof(fetch->what), "%s: the next page of the referrers '%s'",
			hunt->registry->place.text, hunt->digest);
	fetch->ask.method = "GET";
	fetch->ask.what = fetch->what;
	fetch->ask.fields[0] = "Accept: " OCI_TYPE_INDEX;
	fetch->ask.max = registry_max(hunt->registry);
	fetch->ask.deadline = hunt->deadline;
	buf_add_span(&fetch->ask.url, buf_span(url));
	if (ask_begin(hunt->registry, &fetch->ask, err) == 0)
		return fetch;
	fetch_free(hunt, fetch);
	return NULL;
}

static int read_page(struct hunt *hunt, struct fetch *fetch, struct buf *next, struct err *err)
{
	if (listing_read(&hunt->listing, buf_span(&fetch->ask.answer.body), err) < 0)
		return err_wrap(err, "%s", fetch->what);
	next_page(hunt, fetch, next);
	return 0;
}

/* The pages behind the first. */
static int read_pages(struct hunt *hunt, struct buf *next, struct err *err)
{
	for (int page = 1; next->len && !hunt->listing.more; page++) {
		bool there;
		if (page == PAGES) {
			hunt->out->more = true;
			return 0;
		}
		struct fetch *fetch = page_begin(hunt, next, err);
		if (!fetch)
			return -1;
		buf_reset(next);
		int result = fetch_finish(hunt, fetch, &there, err);
		if (!result && there)
			result = read_page(hunt, fetch, next, err);
		fetch_free(hunt, fetch);
		if (result)
			return -1;
	}
	return 0;
}

/* The fallback: an index under a tag, which clients keep. What is no index lists nothing. */
static int read_fallback(struct hunt *hunt, struct err *err)
{
	char tag[ATTACHED_TAG_MAX];
	bool there;

	hunt->via = ATTACHED_BY_FALLBACK;
	attached_tag(hunt->digest, "", tag);
	struct fetch *fetch = fetch_begin(hunt, "manifests", tag, err);
	if (!fetch)
		return -1;
	int result = fetch_finish(hunt, fetch, &there, err);
	if (!result && there)
		(void)!listing_read(&hunt->listing, buf_span(&fetch->ask.answer.body), NULL);
	fetch_free(hunt, fetch);
	return result;
}

/*
 * A registry that knows no such address says 404, as it should, or one of the others; some answer with the page of
 * their user interface. 401, 403 and those that pass say nothing about it.
 */
static bool is_unknown(const struct http_response *answer)
{
	int status = answer->status;

	return status == 404 || status == 400 || status == 405 || status == 406 || status == 501 ||
			(status == 200 && !is_index_type(answer->content_type));
}

static int finish_listing(struct hunt *hunt, struct fetch *fetch, struct err *err)
{
	auto_buf struct buf next = BUF_MAX(URL_MAX);
	struct err why = ERR_NONE;
	bool there = false;

	int result = fetch ? fetch_finish(hunt, fetch, &there, &why) : 0;
	if (!fetch || is_unknown(&fetch->ask.answer)) {
		hunt->registry->unlisted = true;
		return read_fallback(hunt, err);
	}
	if (result && err)
		*err = why;
	if (!result && there)
		result = read_page(hunt, fetch, &next, err);
	return result ? -1 : read_pages(hunt, &next, err);
}

/* ---- all of it ----------------------------------------------------------------------------------------- */

static int run(struct hunt *hunt, unsigned which, struct fetch **tag, struct fetch **list, struct err *err)
{
	char name[ATTACHED_TAG_MAX];

	attached_tag(hunt->digest, ".sig", name);
	if (which & ATTACHED_TAG && !(*tag = fetch_begin(hunt, "manifests", name, err)))
		return -1;
	if (which & ATTACHED_REFERRERS && !hunt->registry->unlisted &&
			!(*list = fetch_begin(hunt, "referrers", hunt->digest, err)))
		return -1;
	if (*tag && finish_tag(hunt, *tag, err) < 0)
		return -1;
	if (!(which & ATTACHED_REFERRERS))
		return 0;
	if (finish_listing(hunt, *list, err) < 0 || fetch_listed(hunt, err) < 0)
		return -1;
	hunt->out->more |= hunt->listing.more;
	return 0;
}

int registry_attached(struct oci_source *source, const char *digest, unsigned which, struct attached *out,
		struct err *err)
{
	struct registry *registry = &((struct registry_source *)source)->registry;
	struct hunt hunt = { .registry = registry,
		.digest = digest,
		.out = out,
		.deadline = registry_deadline(registry),
		.listing = LISTING_NONE,
		.via = ATTACHED_BY_API };
	struct fetch *tag = NULL, *list = NULL;

	int result = run(&hunt, which, &tag, &list, err);
	fetch_free(&hunt, tag);
	fetch_free(&hunt, list);
	listing_clear(&hunt.listing);
	return result;
}
