/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/client.h"

#include "base/buf.h"
#include "base/err.h"
#include "kube/name.h"
#include "net/url.h"

#include <string.h>

/* "v1" or "apps/v1" */
static int add_api(struct buf *out, const char *api, struct err *err)
{
	struct span all = span_of(api);
	size_t slash = span_find(all, '/');
	bool core = slash == all.len;
	struct span group = span_new(all.ptr, slash), version = core ? all : span_from(all, slash + 1);

	if (!name_is_label(version) || (!core && !name_is_subdomain(group)))
		return err_set(err, ERR_USAGE, "'%.80s' is not an API version (v1, apps/v1)", api);
	buf_printf(out, "/%s/%s", core ? "api" : "apis", api);
	return 0;
}

/* Plurals and subresources: lower-case words; "pods", "ephemeralcontainers". */
static int add_word(struct buf *out, const char *what, const char *word, struct err *err)
{
	if (!name_is_subdomain(span_of(word)))
		return err_set(err, ERR_USAGE, "'%.80s' is not the name of a %s", word, what);
	buf_printf(out, "/%s", word);
	return 0;
}

/* The API's rule for a name as a path segment; roles and others may hold ':' and capitals. */
static int add_name(struct buf *out, const char *name, struct err *err)
{
	if (!*name || strlen(name) > NAME_SUBDOMAIN_MAX || strpbrk(name, "/%") || !strcmp(name, ".") ||
			!strcmp(name, ".."))
		return err_set(err, ERR_USAGE, "'%.80s' cannot be the name of an object", name);
	buf_putc(out, '/');
	url_encode(out, span_of(name));
	return 0;
}

int kube_path(struct buf *out, const struct kube_ref *ref, struct err *err)
{
	if (add_api(out, ref->api, err) < 0)
		return -1;
	if (ref->namespace) {
		if (!name_is_label(span_of(ref->namespace)))
			return err_set(err, ERR_USAGE, "'%.80s' is not the name of a namespace",
					ref->namespace);
		buf_printf(out, "/namespaces/%s", ref->namespace);
	}
	if (add_word(out, "resource", ref->plural, err) < 0 ||
			(ref->name && add_name(out, ref->name, err) < 0))
		return -1;
	if (ref->subresource && !ref->name)
		return err_set(err, ERR_USAGE, "the subresource '%.80s' needs the name of an object",
				ref->subresource);
	if (ref->subresource && add_word(out, "subresource", ref->subresource, err) < 0)
		return -1;
	return buf_check(out, "the path", err);
}

void kube_query(struct buf *out, const char *key, const char *value)
{
	if (out->len)
		buf_putc(out, '&');
	url_encode(out, span_of(key));
	buf_putc(out, '=');
	url_encode(out, span_of(value));
}
