/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/logins.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define NAMES_MAX 16 /* Secrets of one pod, or of one service account */

/* One object as it was last read. */
struct entry {
	char *namespace;
	const char *plural; /* "secrets", "serviceaccounts": static */
	char *name;
	int64_t read_at;
	bool doubted;          /* a registry said no to it */
	enum err_kind refused; /* ERR_OK, ERR_DENIED, ERR_NOT_FOUND; ERR_FORMAT: no docker config in it */
	struct secret text;    /* of a Secret: docker's config.json */
	json_t *names;         /* of a service account: its imagePullSecrets */
};

struct logins {
	struct logins_options options;
	atomic_bool ending;
	pthread_mutex_t asking; /* one request at a time */
	pthread_mutex_t lock;   /* of the entries; taken inside `asking` */
	struct entry entries[LOGINS_ENTRIES];
	size_t count, bytes;
};

/* One call of logins_find(). */
struct search {
	struct logins *logins;
	int64_t until; /* no request is begun later */
};

struct logins *logins_new(const struct logins_options *options)
{
	struct logins *l = xcalloc(1, sizeof(*l));

	l->options = *options;
	pthread_mutex_init(&l->asking, NULL);
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static void entry_clear(struct logins *l, struct entry *entry)
{
	l->bytes -= entry->text.len;
	free(entry->namespace);
	free(entry->name);
	secret_clear(&entry->text);
	json_decref(entry->names);
	*entry = l->entries[--l->count];
}

void logins_free(struct logins *l)
{
	if (!l)
		return;
	while (l->count)
		entry_clear(l, &l->entries[l->count - 1]);
	pthread_mutex_destroy(&l->asking);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

void logins_end(struct logins *l)
{
	atomic_store(&l->ending, true);
}

/* ---- what is kept; under the lock --------------------------------------------------------------------------- */

static int64_t lasts(const struct entry *entry)
{
	return entry->refused != ERR_OK || entry->doubted ? LOGINS_REFUSED : LOGINS_KEPT;
}

static struct entry *kept(struct logins *l, const char *namespace, const char *plural, const char *name)
{
	int64_t now = clock_mono(l->options.clock);

	for (size_t i = l->count; i--;)
		if (l->entries[i].read_at < now - lasts(&l->entries[i]))
			entry_clear(l, &l->entries[i]);
	for (size_t i = 0; i < l->count; i++) {
		struct entry *entry = &l->entries[i];
		if (!strcmp(entry->plural, plural) && !strcmp(entry->name, name) &&
				!strcmp(entry->namespace, namespace))
			return entry;
	}
	return NULL;
}

/* Room for one more of so many bytes: the oldest go. */
static struct entry *make_room(struct logins *l, size_t bytes)
{
	while (l->count && (l->count == LOGINS_ENTRIES || l->bytes + bytes > LOGINS_BYTES)) {
		size_t oldest = 0;
		for (size_t i = 1; i < l->count; i++)
			if (l->entries[i].read_at < l->entries[oldest].read_at)
				oldest = i;
		entry_clear(l, &l->entries[oldest]);
	}
	return &l->entries[l->count++];
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

/* The docker config of a Secret. The old type holds the inside of "auths" alone. */
static int secret_text(const json_t *object, struct secret *out, struct err *err)
{
	const char *now = json_text_at(object, "data", ".dockerconfigjson", NULL);
	const char *old = json_text_at(object, "data", ".dockercfg", NULL);
	struct buf text = BUF_MAX(2 * SECRET_MAX);
	int done;

	if (!now && !old)
		return err_set(err, ERR_FORMAT, "it has neither .dockerconfigjson nor .dockercfg");
	/* given its room at once, so that nothing is left behind when it grows */
	(void)buf_room(&text, strlen(now ? now : old) + sizeof("{\"auths\":}"));
	if (!now)
		buf_puts(&text, "{\"auths\":");
	done = b64_decode(span_of(now ? now : old), &text, err);
	if (!now)
		buf_puts(&text, "}");
	if (!done && (text.over || text.len > SECRET_MAX))
		done = err_set(err, ERR_FORMAT, "its docker config is too large");
	if (!done)
		done = secret_from_span(out, buf_span(&text), err);
	buf_wipe(&text);
	return done;
}

static json_t *account_names(const json_t *object)
{
	json_t *names = json_array();
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(object, "imagePullSecrets"), i, item) {
		const char *name = json_text_at(item, "name", NULL);
		if (name && name[0] && json_array_size(names) < NAMES_MAX)
			json_array_append_new(names, json_string(name));
	}
	return names;
}

static int check_time(const struct search *search, struct err *err)
{
	const struct logins *l = search->logins;

	if (atomic_load(&l->ending))
		return err_set(err, ERR_RETRY, "the program ends");
	if (clock_mono(l->options.clock) > search->until)
		return err_set(err, ERR_RETRY,
				"the API server has taken too long for the credentials before");
	return 0;
}

/* Reads what is not kept. `asking` is held. A refusal is kept too, and is no error. */
static int read_one(const struct search *search, const char *namespace, const char *plural, const char *name,
		struct err *err)
{
	struct logins *l = search->logins;
	struct entry read = { .plural = plural, .text = SECRET_NONE };
	struct err why = ERR_NONE;
	auto_json json_t *object = NULL;

	if (check_time(search, err) < 0)
		return err_wrap(err, "reading %s %s/%s", plural, namespace, name);
	int done = l->options.get(l->options.ctx, namespace, plural, name, &object, &why);

	if (!done && !strcmp(plural, "secrets"))
		done = secret_text(object, &read.text, &why);
	else if (!done)
		read.names = account_names(object);
	if (done < 0 && why.kind != ERR_DENIED && why.kind != ERR_NOT_FOUND && why.kind != ERR_FORMAT) {
		if (err)
			*err = why;
		return err_wrap(err, "reading %s %s/%s", plural, namespace, name);
	}
	read.refused = done < 0 ? why.kind : ERR_OK;
	read.namespace = xstrdup(namespace);
	read.name = xstrdup(name);
	read.read_at = clock_mono(l->options.clock);
	pthread_mutex_lock(&l->lock);
	*make_room(l, read.text.len) = read;
	l->bytes += read.text.len;
	pthread_mutex_unlock(&l->lock);
	return 0;
}

/* Makes sure that it is kept; then calls use(ctx, entry) under the lock. */
static int with_entry(const struct search *search, const char *namespace, const char *plural,
		const char *name, int (*use)(void *ctx, const struct entry *entry, struct err *err),
		void *ctx, struct err *err)
{
	struct logins *l = search->logins;
	int done = 0;

	pthread_mutex_lock(&l->lock);
	struct entry *entry = kept(l, namespace, plural, name);
	if (entry)
		done = use(ctx, entry, err);
	pthread_mutex_unlock(&l->lock);
	if (entry)
		return done;
	pthread_mutex_lock(&l->asking);
	pthread_mutex_lock(&l->lock);
	bool there = kept(l, namespace, plural, name) != NULL; /* another thread has read it meanwhile */
	pthread_mutex_unlock(&l->lock);
	if (!there)
		done = read_one(search, namespace, plural, name, err);
	pthread_mutex_lock(&l->lock);
	entry = done ? NULL : kept(l, namespace, plural, name);
	if (entry)
		done = use(ctx, entry, err);
	pthread_mutex_unlock(&l->lock);
	pthread_mutex_unlock(&l->asking);
	return done;
}

static int add_text(void *ctx, const struct entry *entry, struct err *err)
{
	struct facts_logins *out = ctx;

	if (!entry->text.len || out->count == FACTS_LOGINS_MAX)
		return 0;
	if (secret_from_span(&out->texts[out->count], secret_span(&entry->text), err) < 0)
		return -1;
	out->count++;
	return 0;
}

static int copy_names(void *ctx, const struct entry *entry, struct err *err)
{
	json_t **out = ctx;

	(void)err;
	/* a copy: counts of references are not for several threads */
	*out = entry->names ? json_deep_copy(entry->names) : json_array();
	return 0;
}

/* The names of the Secrets of the pod's namespace: a new array. */
static int pull_secrets(
		const struct search *search, const struct image_want *want, json_t **out, struct err *err)
{
	const char *account =
			want->service_account && want->service_account[0] ? want->service_account : "default";

	if (!want->pull_secret_count)
		return with_entry(search, want->namespace, "serviceaccounts", account, copy_names, out, err);
	*out = json_array();
	for (size_t i = 0; i < want->pull_secret_count && i < NAMES_MAX; i++)
		json_array_append_new(*out, json_string(want->pull_secrets[i]));
	return 0;
}

int logins_find(void *ctx, const struct image_want *want, struct facts_logins *out, struct err *err)
{
	struct logins *l = ctx;
	const struct search search = { .logins = l, .until = clock_mono(l->options.clock) + LOGINS_WAIT };
	auto_json json_t *names = NULL;
	size_t i;
	json_t *name;

	if (want->registry && want->registry->secret &&
			with_entry(&search, l->options.namespace, "secrets", want->registry->secret, add_text,
					out, err) < 0)
		return -1;
	if (!want->namespace || !want->namespace[0])
		return 0;
	if (pull_secrets(&search, want, &names, err) < 0)
		return -1;
	json_array_foreach (names, i, name) {
		if (with_entry(&search, want->namespace, "secrets", json_string_value(name), add_text, out,
				    err) < 0)
			return -1;
	}
	return 0;
}

/* ---- remarks ------------------------------------------------------------------------------------------------ */

/* Under the lock. */
static void remark(struct logins *l, const char *namespace, const char *plural, const char *name,
		struct buf *out)
{
	struct entry *entry = kept(l, namespace, plural, name);
	const char *what = !strcmp(plural, "secrets") ? "Secret" : "ServiceAccount";

	if (!entry)
		return;
	entry->doubted = true;
	if (entry->refused == ERR_OK)
		return;
	if (entry->refused == ERR_DENIED)
		buf_printf(out, "; the %s may not read %s %s/%s: apply %s to namespace %s",
				l->options.program, what, namespace, name, l->options.grant, namespace);
	else if (entry->refused == ERR_NOT_FOUND)
		buf_printf(out, "; there is no %s %s/%s", what, namespace, name);
	else
		buf_printf(out, "; %s %s/%s holds no credentials of registries", what, namespace, name);
}

static void remark_all(struct logins *l, const struct image_want *want, struct buf *out)
{
	const char *account =
			want->service_account && want->service_account[0] ? want->service_account : "default";
	struct entry *entry = NULL;
	size_t i;
	json_t *name;

	if (want->registry && want->registry->secret)
		remark(l, l->options.namespace, "secrets", want->registry->secret, out);
	if (!want->namespace || !want->namespace[0])
		return;
	for (i = 0; i < want->pull_secret_count; i++)
		remark(l, want->namespace, "secrets", want->pull_secrets[i], out);
	if (want->pull_secret_count)
		return;
	remark(l, want->namespace, "serviceaccounts", account, out);
	entry = kept(l, want->namespace, "serviceaccounts", account);
	json_array_foreach (entry ? entry->names : NULL, i, name)
		remark(l, want->namespace, "secrets", json_string_value(name), out);
}

void logins_remark(struct logins *l, const struct image_want *want, struct err *err)
{
	struct buf text = BUF_MAX(ERR_TEXT_MAX / 2);

	/* other refusals are our own: of addresses, of bytes that do not fit their digest */
	if ((err->kind != ERR_DENIED && err->kind != ERR_AUTH) || !strstr(err->text, "HTTP 40"))
		return;
	pthread_mutex_lock(&l->lock);
	remark_all(l, want, &text);
	pthread_mutex_unlock(&l->lock);
	if (text.len) {
		struct err before = *err;
		err_set(err, before.kind, "%.500s%s", before.text, buf_text(&text));
		err->retry_after = before.retry_after;
	}
	buf_clear(&text);
}
