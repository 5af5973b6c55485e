/* SPDX-License-Identifier: Apache-2.0 */
/* A pod's init-data, as far as the guest's image pull is concerned (initdata.md, 3.2 to 3.4). */
#include "policy/guest.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "initdata/document.h"

#include <ctype.h>
#include <string.h>

static int read_toml(const json_t *data, const char *file, json_t **out, struct err *err)
{
	const char *text = json_text_at(data, file, NULL);

	if (!text)
		return 0;
	if (toml_parse(span_of(text), INITDATA_TEXT_MAX, out, err) < 0)
		return err_wrap(err, "%s of the init-data", file);
	return 0;
}

static char *text_of(const json_t *object, const char *key)
{
	const char *text = json_text_at(object, key, NULL);

	return text ? xstrdup(text) : NULL;
}

static void read_image(const json_t *image, struct guest_view *view)
{
	view->image = json_is_object(image);
	view->policy = text_of(image, "image_security_policy");
	view->policy_uri = text_of(image, "image_security_policy_uri");
	view->sigstore = text_of(image, "sigstore_config");
	view->sigstore_uri = text_of(image, "sigstore_config_uri");
	view->registries = json_incref(json_object_get(image, "registry_config"));
	view->registries_uri = text_of(image, "registry_configuration_uri");
}

int guest_view_read(struct span document, struct guest_view *out, struct err *err)
{
	auto_initdata struct initdata doc;
	auto_json json_t *aa = NULL;
	auto_json json_t *cdh = NULL;

	*out = (struct guest_view){ .bytes = document.len };
	initdata_init(&doc);
	if (initdata_parse(document, &doc, err) < 0)
		return -1;
	if (read_toml(doc.data, INITDATA_AA, &aa, err) < 0 ||
			read_toml(doc.data, INITDATA_CDH, &cdh, err) < 0)
		return -1;
	const char *url = json_text_at(aa, "token_configs", "kbs", "url", NULL);
	if (!url)
		url = json_text_at(cdh, "kbc", "url", NULL);
	out->kbs_url = url && *url ? xstrdup(url) : NULL;
	read_image(json_object_get(cdh, "image"), out);
	out->agent_policy = text_of(doc.data, INITDATA_POLICY);
	return 0;
}

void guest_view_clear(struct guest_view *view)
{
	free(view->kbs_url);
	free(view->policy);
	free(view->policy_uri);
	free(view->sigstore);
	free(view->sigstore_uri);
	json_decref(view->registries);
	free(view->registries_uri);
	free(view->agent_policy);
	*view = (struct guest_view){ .image = false };
}

/* ---- the agent policy ---- */

/* The digest in a text, not as the beginning of more hex digits. */
static bool stands_in(struct span text, const char *digest)
{
	size_t len = strlen(digest);

	while (text.len >= len) {
		const char *at = memmem(text.ptr, text.len, digest, len);

		if (!at)
			return false;
		text = span_from(text, (size_t)(at - text.ptr) + len);
		if (!text.len || !isxdigit((unsigned char)text.ptr[0]))
			return true;
	}
	return false;
}

/* A line of Rego up to its comment. `raw`: does it begin in a text in backticks, which goes over lines; and the next one? */
static struct span without_comment(struct span line, bool *raw)
{
	bool quoted = false;

	for (size_t i = 0; i < line.len; i++) {
		char c = line.ptr[i];
		if (c == '`' && !quoted)
			*raw = !*raw;
		else if (c == '"' && !*raw)
			quoted = !quoted;
		else if (c == '\\' && quoted)
			i++;
		else if (c == '#' && !quoted && !*raw)
			return span_new(line.ptr, i);
	}
	return line;
}

static bool names(const struct guest_view *view, const char *digest)
{
	struct span rest = span_of(view->agent_policy), line;
	bool raw = false;

	while (span_next(&rest, '\n', &line))
		if (stands_in(without_comment(line, &raw), digest))
			return true;
	return false;
}

bool guest_view_names_digest(const struct guest_view *view, const struct image_facts *facts)
{
	if (names(view, facts->digest))
		return true;
	for (size_t i = 0; i < facts->platform_count; i++)
		if (names(view, facts->platforms[i].digest))
			return true;
	return false;
}
