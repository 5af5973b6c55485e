/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/registry.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "crypto/cert.h"
#include "crypto/digest.h"
#include "kube/name.h"
#include "oci/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_MAX    160
#define ADDRESS_MAX  1024
#define NO_PROXY_MAX 4096
#define LOCATION_MAX 520

/* ---- checks ---------------------------------------------------------------------------------------------- */

/* An image at the place, in its normal form; ERR_FORMAT when the text has no host. */
static int read_place(const char *text, struct oci_name *out, struct err *err)
{
	char image[LOCATION_MAX];

	if (strlen(text) + sizeof("/image") > sizeof(image))
		return err_set(err, ERR_LIMIT, "is longer than %zu bytes", sizeof(image) - sizeof("/image"));
	snprintf(image, sizeof(image), "%s/image", text);
	if (oci_name_split(span_of(image), out, err) < 0)
		return -1;
	if (!out->host[0])
		return err_set(err, ERR_FORMAT,
				"'%.80s' is not what names of images take for a host: it needs a dot or a "
				"port",
				text);
	return oci_name_parse(image, out, err);
}

/* Is it the form that names of images are brought into? Else no image would ever be found to be there. */
static int check_host(const char *path, const char *host, struct err *err)
{
	struct oci_name name;

	if (!strcmp(host, "*"))
		return 0;
	if (read_place(host, &name, err) < 0)
		return err_wrap(err, "%s.host", path);
	if (strchr(host, '/'))
		return err_set(err, ERR_FORMAT, "%s.host: '%.80s' is no HOST[:PORT]", path, host);
	if (strcmp(name.host, host) != 0)
		return err_set(err, ERR_FORMAT, "%s.host: '%.80s' must be written as '%.80s'", path, host,
				name.host);
	return 0;
}

static int check_location(const char *path, const char *location, struct err *err)
{
	struct oci_name name;

	if (read_place(location, &name, err) < 0)
		return err_wrap(err, "%s.location", path);
	return 0;
}

static int check_proxy(const char *path, const char *proxy, struct err *err)
{
	struct span text = span_of(proxy);

	if (text.len > ADDRESS_MAX)
		return err_set(err, ERR_LIMIT, "%s.proxy: is longer than %d bytes", path, ADDRESS_MAX);
	if (!span_starts(text, "http://") && !span_starts(text, "https://"))
		return err_set(err, ERR_FORMAT, "%s.proxy: must begin with http:// or https://", path);
	/* what stands in a custom resource is no secret */
	if (strchr(proxy, '@'))
		return err_set(err, ERR_FORMAT, "%s.proxy: holds a user name: everybody can read a policy",
				path);
	return 0;
}

static int check_ca(const char *path, const char *pem, struct err *err)
{
	auto_cert_list struct cert_list *list = NULL;

	if (strlen(pem) > CERT_PEM_MAX)
		return err_set(err, ERR_LIMIT, "%s.ca: is longer than %zu bytes", path, CERT_PEM_MAX);
	if (cert_list_parse(span_of(pem), &list, err) < 0)
		return err_wrap(err, "%s.ca", path);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

static int read_mirrors(const json_t *entry, const char *path, struct registry_settings *out, struct err *err)
{
	static const char *const known[] = { "location", "plainHTTP", NULL };
	json_t *mirrors = NULL, *mirror = NULL;
	char place[PLACE_MAX + 40];
	size_t i = 0;

	if (json_opt_array(entry, path, "mirrors", REGISTRY_MIRRORS_MAX, &mirrors, err) < 0)
		return -1;
	if (json_array_size(mirrors) && !strcmp(out->host, "*"))
		return err_set(err, ERR_FORMAT, "%s.mirrors: name the host that they mirror, not '*'", path);
	json_array_foreach (mirrors, i, mirror) {
		struct registry_mirror *to = &out->mirrors[i];
		snprintf(place, sizeof(place), "%s.mirrors[%zu]", path, i);
		if (json_only_keys(mirror, place, known, err) < 0 ||
				json_get_text(mirror, place, "location", &to->location, err) < 0 ||
				json_opt_bool(mirror, place, "plainHTTP", &to->plain_http, err) < 0 ||
				check_location(place, to->location, err) < 0)
			return -1;
	}
	out->mirror_count = json_array_size(mirrors);
	return 0;
}

static void identify(const json_t *entry, struct registry_settings *out)
{
	auto_free char *text = json_text(entry, true);
	unsigned char digest[DIGEST_MAX];

	digest_bytes(DIGEST_SHA256, span_of(text), digest);
	memcpy(out->identity, digest, sizeof(out->identity));
}

static int read_entry(const json_t *entry, const char *path, struct registry_settings *out, struct err *err)
{
	static const char *const known[] = { "host", "ca", "plainHTTP", "mirrors", "proxy", "noProxy",
		"credentialsSecret", NULL };
	const char *ca = NULL;

	if (json_only_keys(entry, path, known, err) < 0 ||
			json_get_text(entry, path, "host", &out->host, err) < 0 ||
			json_opt_text(entry, path, "ca", &ca, err) < 0 ||
			json_opt_bool(entry, path, "plainHTTP", &out->plain_http, err) < 0 ||
			json_opt_text(entry, path, "proxy", &out->proxy, err) < 0 ||
			json_opt_text(entry, path, "noProxy", &out->no_proxy, err) < 0 ||
			json_opt_text(entry, path, "credentialsSecret", &out->secret, err) < 0 ||
			check_host(path, out->host, err) < 0 || read_mirrors(entry, path, out, err) < 0)
		return -1;
	if (ca && check_ca(path, ca, err) < 0)
		return -1;
	if (out->proxy && check_proxy(path, out->proxy, err) < 0)
		return -1;
	if (out->no_proxy && !out->proxy)
		return err_set(err, ERR_FORMAT, "%s.noProxy: there is no proxy", path);
	if (out->no_proxy && strlen(out->no_proxy) > NO_PROXY_MAX)
		return err_set(err, ERR_LIMIT, "%s.noProxy: is longer than %d bytes", path, NO_PROXY_MAX);
	if (ca && out->plain_http && !out->mirror_count)
		return err_set(err, ERR_FORMAT, "%s.ca: has no use with plainHTTP", path);
	if (out->secret && !name_is_subdomain(span_of(out->secret)))
		return err_set(err, ERR_FORMAT, "%s.credentialsSecret: '%.80s' is no name of a Secret", path,
				out->secret);
	out->ca = span_of(ca);
	identify(entry, out);
	return 0;
}

static const struct registry_settings *find_exactly(const struct registry_list *list, const char *host)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].host, host))
			return &list->items[i];
	return NULL;
}

int registry_list_parse(json_t *array, const char *path, struct registry_list *out, struct err *err)
{
	struct registry_list list = REGISTRY_LIST_NONE;
	char place[PLACE_MAX];
	json_t *entry = NULL;
	size_t i = 0;

	if (array && !json_is_array(array))
		return err_set(err, ERR_FORMAT, "%s: must be an array", path);
	if (json_array_size(array) > REGISTRIES_MAX)
		return err_set(err, ERR_LIMIT, "%s: has %zu items, more than %d", path,
				json_array_size(array), REGISTRIES_MAX);
	list.source = json_incref(array);
	if (json_array_size(array))
		list.items = xcalloc(json_array_size(array), sizeof(*list.items));
	json_array_foreach (array, i, entry) {
		snprintf(place, sizeof(place), "%s[%zu]", path, i);
		if (read_entry(entry, place, &list.items[i], err) < 0)
			break;
		if (find_exactly(&list, list.items[i].host)) {
			err_set(err, ERR_FORMAT, "%s.host: '%s' has an entry already", place,
					list.items[i].host);
			break;
		}
		list.count++;
	}
	if (list.count < json_array_size(array)) {
		registry_list_clear(&list);
		return -1;
	}
	*out = list;
	return 0;
}

void registry_list_clear(struct registry_list *list)
{
	free(list->items);
	json_decref(list->source);
	*list = (struct registry_list)REGISTRY_LIST_NONE;
}

const struct registry_settings *registry_list_find(const struct registry_list *list, const char *host)
{
	const struct registry_settings *found = find_exactly(list, host);

	return found ? found : find_exactly(list, "*");
}
