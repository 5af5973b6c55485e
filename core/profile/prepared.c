/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/prepared.h"

#include "agentpolicy/policy.h"
#include "base/alloc.h"
#include "base/b64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/zip.h"
#include "profile/content.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_BYTES 253
#define HASH_IN_NAME   12
#define ANEW           "delete it, so that it is made anew: "

/* ---- the resource ------------------------------------------------------------------------------------------- */

static int read_key(const json_t *spec, struct prepared *p, struct err *err)
{
	const char *key = NULL;

	if (json_get_text(spec, "spec", "key", &key, err) < 0)
		return -1;
	if (strlen(key) != AGENT_KEY_LEN || strspn(key, "0123456789abcdef") != AGENT_KEY_LEN)
		return err_set(err, ERR_FORMAT, "spec.key: not %d lower-case hexadecimal digits",
				AGENT_KEY_LEN);
	memcpy(p->key, key, AGENT_KEY_LEN + 1);
	return 0;
}

static int read_workload(const json_t *spec, struct prepared *p, struct err *err)
{
	json_t *workload = NULL;
	const char *kind = NULL, *name = NULL;

	if (json_get_object(spec, "spec", "workload", &workload, err) < 0 ||
			json_get_text(workload, "spec.workload", "kind", &kind, err) < 0 ||
			json_get_text(workload, "spec.workload", "name", &name, err) < 0)
		return -1;
	p->workload = xasprintf("%.63s %.253s", kind, name);
	return 0;
}

static int read_packed(const json_t *spec, struct prepared *p, struct err *err)
{
	const char *policy = NULL;

	if (json_get_text(spec, "spec", "policy", &policy, err) < 0)
		return -1;
	if (strlen(policy) > PREPARED_POLICY_MAX)
		return err_set(err, ERR_LIMIT, "spec.policy: more than %d bytes", PREPARED_POLICY_MAX);
	if (b64_decode(span_of(policy), &p->packed, err) < 0)
		return err_wrap(err, "spec.policy");
	return 0;
}

static int read_time(const json_t *resource, struct prepared *p, struct err *err)
{
	const char *created = json_text_at(resource, "metadata", "creationTimestamp", NULL);
	const char *again = json_text_at(resource, "metadata", "annotations", PREPARED_AT, NULL);

	if (created && clock_parse(span_of(created), &p->created, err) < 0)
		return err_wrap(err, "metadata.creationTimestamp");
	if (again && clock_parse(span_of(again), &p->created, err) < 0)
		return err_wrap(err, "metadata.annotations[" PREPARED_AT "]");
	return 0;
}

static int read_resource(const json_t *resource, struct prepared *p, struct err *err)
{
	const char *kind = json_text_at(resource, "kind", NULL);
	const char *namespace = NULL, *name = NULL, *profile = NULL;
	json_t *meta = NULL, *spec = NULL;

	if (kind && strcmp(kind, PREPARED_KIND) != 0)
		return err_set(err, ERR_FORMAT, "kind is '%.40s', not " PREPARED_KIND, kind);
	if (json_get_object(resource, "", "metadata", &meta, err) < 0 ||
			json_get_text(meta, "metadata", "namespace", &namespace, err) < 0 ||
			json_get_text(meta, "metadata", "name", &name, err) < 0)
		return -1;
	p->namespace = xstrdup(namespace);
	p->name = xstrdup(name);
	if (read_time(resource, p, err) < 0)
		return -1;
	if (json_get_object(resource, "", "spec", &spec, err) < 0 ||
			json_get_text(spec, "spec", "profile", &profile, err) < 0 ||
			read_key(spec, p, err) < 0 || read_workload(spec, p, err) < 0 ||
			read_packed(spec, p, err) < 0)
		return -1;
	p->profile = xstrdup(profile);
	p->id = prepared_id(profile, p->key);
	return 0;
}

int prepared_read(const json_t *resource, struct prepared **out, struct err *err)
{
	auto_prepared struct prepared *p = xcalloc(1, sizeof(*p));

	atomic_init(&p->refs, 1);
	pthread_mutex_init(&p->lock, NULL);
	buf_init(&p->packed, PREPARED_POLICY_MAX);
	if (read_resource(resource, p, err) < 0)
		return err_wrap(err, PREPARED_KIND " '%s'", p->name ? p->name : "?");
	*out = take(&p);
	return 0;
}

struct prepared *prepared_ref(struct prepared *prepared)
{
	atomic_fetch_add_explicit(&prepared->refs, 1, memory_order_relaxed);
	return prepared;
}

void prepared_unref(struct prepared *prepared)
{
	if (!prepared || atomic_fetch_sub_explicit(&prepared->refs, 1, memory_order_acq_rel) != 1)
		return;
	free(prepared->namespace);
	free(prepared->name);
	free(prepared->profile);
	free(prepared->id);
	free(prepared->workload);
	buf_clear(&prepared->packed);
	pthread_mutex_destroy(&prepared->lock);
	free(prepared);
}

char *prepared_id(const char *profile, const char *key)
{
	return xasprintf("%s/%s", profile, key);
}

bool prepared_is_newer(const struct prepared *a, const struct prepared *b)
{
	return a->created != b->created ? a->created > b->created : strcmp(a->name, b->name) > 0;
}

/* "deployment-web-1f0c9a2b7e44": the name of a workload may leave no room for all of it. Each profile has its own. */
static char *object_name(
		const struct profile *profile, const struct agent_workload *workload, const char *key)
{
	struct buf name = BUF_MAX(1024);
	size_t most = NAME_MAX_BYTES - HASH_IN_NAME - 1;
	auto_free char *id = prepared_id(profile->name, key);
	char hash[DIGEST_HEX_MAX];

	for (const char *c = workload->kind; *c; c++)
		buf_putc(&name, (char)tolower((unsigned char)*c));
	buf_printf(&name, "-%.253s", workload->name);
	buf_cut(&name, most);
	while (name.len && strchr("-.", name.ptr[name.len - 1]))
		buf_cut(&name, name.len - 1);
	digest_hex(DIGEST_SHA256, span_of(id), hash);
	buf_printf(&name, "-%.*s", HASH_IN_NAME, hash);
	return buf_take(&name);
}

static int pack(struct span policy, struct buf *text, struct err *err)
{
	struct buf packed = BUF_MAX(PREPARED_POLICY_MAX / 4 * 3);
	int done = gzip_pack(policy, &packed, err);

	if (!done) {
		b64_encode(text, buf_span(&packed));
		done = buf_check(text, "the agent policy, packed,", err);
	}
	buf_clear(&packed);
	return done;
}

int prepared_object(const struct profile *profile, const struct agent_workload *workload, const char *key,
		struct span policy, const json_t *images, json_t **out, struct err *err)
{
	struct buf text = BUF_MAX(PREPARED_POLICY_MAX);

	if (pack(policy, &text, err) < 0) {
		buf_clear(&text);
		return err_wrap(err, "%.63s '%.253s'", workload->kind, workload->name);
	}
	auto_free char *name = object_name(profile, workload, key);
	*out = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:{s:s, s:s}, s:s, s:O}}", "apiVersion",
			PROFILE_GROUP, "kind", PREPARED_KIND, "metadata", "namespace", workload->namespace,
			"name", name, "spec", "key", key, "profile", profile->name, "workload", "kind",
			workload->kind, "name", workload->name, "policy", buf_text(&text), "images", images);
	buf_clear(&text);
	return *out ? 0 : err_set(err, ERR_BUG, "an agent policy's names are no UTF-8");
}

/* ---- the profile with it ------------------------------------------------------------------------------------ */

/* All that says who gets the document and how pods are judged: it is the base's own. */
static void borrow(struct profile *p, const struct profile *base)
{
	p->name = base->name;
	p->generation = base->generation;
	p->spec = base->spec;
	p->runtime_classes = base->runtime_classes;
	p->namespaces = base->namespaces;
	p->pods = base->pods;
	p->priority = base->priority;
	p->mode = base->mode;
	p->keep = base->keep;
	p->sets_handler = base->sets_handler;
	p->kernel_params = base->kernel_params;
	p->allowed_kernel_keys = base->allowed_kernel_keys;
	p->annotations = base->annotations;
	p->allowed_annotations = base->allowed_annotations;
	p->alg = base->alg;
}

static int unpack(const struct prepared *prepared, struct buf *text, struct err *err)
{
	if (gzip_unpack(buf_span(&prepared->packed), AGENT_POLICY_MAX, text, err) < 0)
		return err_wrap(err, ANEW "spec.policy");
	if (strlen(buf_text(text)) != text->len)
		return err_set(err, ERR_FORMAT, ANEW "spec.policy: holds NUL");
	return 0;
}

static int derive(struct profile *profile, const struct prepared *prepared,
		int (*content)(struct profile *p, const char *policy, struct err *err), struct profile **out,
		struct err *err)
{
	auto_profile struct profile *p = xcalloc(1, sizeof(*p));
	auto_buf struct buf text = BUF_MAX(AGENT_POLICY_MAX);

	atomic_init(&p->refs, 1);
	p->base = profile_ref(profile);
	borrow(p, profile);
	if (unpack(prepared, &text, err) < 0 || content(p, buf_text(&text), err) < 0)
		return err_wrap(err, PREPARED_KIND " '%s' of namespace '%s'", prepared->name,
				prepared->namespace);
	*out = take(&p);
	return 0;
}

int profile_with_policy(struct profile *profile, const struct prepared *prepared, struct profile **out,
		struct err *err)
{
	return derive(profile, prepared, profile_content_with, out, err);
}

static void take_print(struct profile *profile, const struct prepared *prepared, struct prepared_print *print)
{
	auto_profile struct profile *made = NULL;

	*print = (struct prepared_print){ .known = true };
	memcpy(print->of, profile->fingerprint, sizeof(print->of));
	/* what makes no document gets a fingerprint that none has, so that it is not tried for each pod */
	memset(print->document, 0xff, sizeof(print->document));
	if (derive(profile, prepared, profile_content_digests, &made, NULL) < 0 || !made)
		return;
	memcpy(print->document, made->fingerprint, sizeof(print->document));
	memcpy(print->digest_text, made->digest_text, sizeof(print->digest_text));
}

void prepared_print(struct prepared *prepared, struct profile *profile, struct prepared_print *out)
{
	pthread_mutex_lock(&prepared->lock);
	*out = prepared->print;
	pthread_mutex_unlock(&prepared->lock);
	if (out->known && !memcmp(out->of, profile->fingerprint, sizeof(out->of)))
		return;
	take_print(profile, prepared, out);
	pthread_mutex_lock(&prepared->lock);
	prepared->print = *out;
	pthread_mutex_unlock(&prepared->lock);
}
