/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel parameters into init-data: the other half of kparams.h. */
#include "initdata/kparams.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"

#include <stdarg.h>
#include <string.h>

#define KBC_PARAMS    "agent.aa_kbc_params"
#define POLICY_FILE   "agent.image_policy_file"
#define VERIFY        "agent.enable_signature_verification"
#define REGISTRY_AUTH "agent.image_registry_auth"
#define HTTPS_PROXY   "agent.https_proxy"
#define HTTP_PROXY    "agent.http_proxy"
#define NO_PROXY      "agent.no_proxy"
#define KBS_RESOURCES "cdh.kbs_resources"

void kparams_moved_init(struct kparams_moved *moved)
{
	*moved = (struct kparams_moved){
		.owned = json_array(), .notes = json_array(), .rest = BUF_MAX(KPARAMS_TEXT_MAX)
	};
}

void kparams_moved_clear(struct kparams_moved *moved)
{
	json_decref(moved->owned);
	json_decref(moved->notes);
	buf_clear(&moved->rest);
	*moved = (struct kparams_moved){ .rest = BUF_MAX(KPARAMS_TEXT_MAX) };
}

static void note(struct kparams_moved *moved, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void note(struct kparams_moved *moved, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = xstrdup(fmt);
	va_end(args);
	json_array_append_new(moved->notes, json_string(text));
}

static const char *own(struct kparams_moved *moved, struct span text)
{
	json_t *copy = json_stringn(text.len ? text.ptr : "", text.len);

	json_array_append_new(moved->owned, copy);
	return json_string_value(copy);
}

/* The parameter that the guest's own look-up would find. */
static const struct kparam *look_up(const struct kparams *list, const char *key, bool first)
{
	const struct kparam *found = NULL;
	size_t i;

	for (i = 0; i < list->count; i++)
		if (span_is(list->items[i].key, key) && !(first && found))
			found = &list->items[i];
	return found;
}

/* Cuts "a::b" in two; false when there is no "::". */
static bool split(struct span text, struct span *left, struct span *right)
{
	const char *at = text.len ? memmem(text.ptr, text.len, "::", 2) : NULL;

	if (!at)
		return false;
	*left = span_new(text.ptr, (size_t)(at - text.ptr));
	*right = span_from(text, left->len + 2);
	return true;
}

static int move_kbc(struct kparams_moved *moved, const struct kparams *list, struct err *err)
{
	const struct kparam *item = look_up(list, KBC_PARAMS, true);
	struct span name, url, more;

	if (!item)
		return 0;
	if (!split(item->value, &name, &url) || split(url, &more, &more))
		return err_set(err, ERR_FORMAT,
				KBC_PARAMS
				"='%.*s' is not <name>::<url>, so the guest refuses it: correct it first",
				SPAN_ARG(item->value));
	moved->config.kbc_name = own(moved, name);
	if (span_is(name, "cc_kbc"))
		moved->config.kbs_url = own(moved, url);
	note(moved, KBC_PARAMS " → kbc.name%s",
			moved->config.kbs_url ? " and kbc.url in cdh.toml, token_configs.kbs.url in aa.toml"
					      : " in cdh.toml");
	return 0;
}

static void move_policy(struct kparams_moved *moved, const struct kparams *list)
{
	const struct kparam *file = look_up(list, POLICY_FILE, false);
	const struct kparam *verify = look_up(list, VERIFY, false);

	if (file && verify && span_is(verify->value, "true")) {
		moved->config.image_policy_uri = own(moved, file->value);
		note(moved, POLICY_FILE " → image.image_security_policy_uri in cdh.toml");
	} else if (file) {
		note(moved,
				POLICY_FILE
				" had no effect, because " VERIFY
				" is not exactly 'true': dropped, so the guest runs "
				"every image as before. Set image_security_policy_uri if that is not meant");
	} else if (verify) {
		note(moved, VERIFY " had no effect without " POLICY_FILE ": dropped");
	}
}

static void move_text(struct kparams_moved *moved, const struct kparams *list, const char *key,
		const char *place, const char **field)
{
	const struct kparam *item = look_up(list, key, false);

	if (!item)
		return;
	*field = own(moved, item->value);
	note(moved, "%s → %s in cdh.toml", key, place);
}

static void move_resources(struct kparams_moved *moved, const struct kparams *list)
{
	const struct kparam *item = look_up(list, KBS_RESOURCES, true);
	struct span rest = item ? item->value : SPAN_NONE, piece, uri, path;
	json_t *credentials = json_array(), *credential;

	json_array_append_new(moved->owned, credentials);
	while (span_next(&rest, ',', &piece)) {
		if (!split(piece, &uri, &path)) {
			note(moved,
					KBS_RESOURCES
					": '%.*s' has no \"::\" and was ignored by the guest: dropped",
					SPAN_ARG(piece));
			continue;
		}
		credential = json_object();
		json_object_set_new(credential, "path", json_stringn(path.len ? path.ptr : "", path.len));
		json_object_set_new(
				credential, "resource_uri", json_stringn(uri.len ? uri.ptr : "", uri.len));
		json_array_append_new(credentials, credential);
	}
	moved->config.credentials = credentials;
	if (item)
		note(moved, KBS_RESOURCES " → credentials in cdh.toml");
}

/* What the Kata agent reads from the command line as well, for its own requests. */
static bool stays(struct span key)
{
	static const char *const moving[] = { KBC_PARAMS, POLICY_FILE, VERIFY, REGISTRY_AUTH, HTTP_PROXY,
		KBS_RESOURCES };
	size_t i;

	for (i = 0; i < sizeof(moving) / sizeof(moving[0]); i++)
		if (span_is(key, moving[i]))
			return false;
	return true;
}

static void keep_rest(struct kparams_moved *moved, const struct kparams *list)
{
	struct kparams rest = { .items = xcalloc(list->count + 1, sizeof(*rest.items)), .count = 0 };
	size_t i;

	for (i = 0; i < list->count; i++)
		if (stays(list->items[i].key))
			rest.items[rest.count++] = list->items[i];
	kparams_format(&rest, &moved->rest);
	if (rest.count < list->count)
		note(moved,
				"the kernel command line changes, and with it the launch measurement (SNP "
				"digest, TDX "
				"RTMR): new reference values are needed");
	if (look_up(list, HTTPS_PROXY, false) || look_up(list, NO_PROXY, false))
		note(moved,
				HTTPS_PROXY " and " NO_PROXY
					    " stay on the command line as well: the Kata agent reads them "
					    "for the processes it starts");
	kparams_clear(&rest);
}

int kparams_to_initdata(struct span text, struct kparams_moved *out, struct err *err)
{
	auto_kparams_moved struct kparams_moved moved;
	auto_kparams struct kparams list = KPARAMS_NONE;

	kparams_moved_init(&moved);
	if (kparams_parse(text, &list, err) < 0 || move_kbc(&moved, &list, err) < 0)
		return -1;
	move_policy(&moved, &list);
	move_text(&moved, &list, REGISTRY_AUTH, "image.authenticated_registry_credentials_uri",
			&moved.config.registry_credentials_uri);
	move_text(&moved, &list, HTTPS_PROXY, "image.image_pull_proxy.https_proxy",
			&moved.config.https_proxy);
	move_text(&moved, &list, HTTP_PROXY, "image.image_pull_proxy.http_proxy", &moved.config.http_proxy);
	move_text(&moved, &list, NO_PROXY, "image.image_pull_proxy.no_proxy", &moved.config.no_proxy);
	move_resources(&moved, &list);
	keep_rest(&moved, &list);
	kparams_moved_clear(out);
	*out = moved;
	kparams_moved_init(&moved);
	return 0;
}
