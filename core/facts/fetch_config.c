/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/json.h"
#include "facts/fetch_own.h"
#include "oci/manifest.h"

#include <string.h>

static bool is_config(const char *type)
{
	return !strcmp(type, OCI_TYPE_CONFIG) || !strcmp(type, DOCKER_TYPE_CONFIG);
}

static int read_json(struct fetch *fetch, const struct oci_descriptor *config, json_t **out, struct err *err)
{
	auto_buf struct buf text = BUF_MAX(0);

	if (fetch_blob(fetch, config, FETCH_CONFIG_MAX, &text, err) < 0 ||
			json_check_values(buf_span(&text), FETCH_CONFIG_VALUES, err) < 0)
		return -1;
	return json_read(buf_span(&text), FETCH_CONFIG_MAX, out, err);
}

int fetch_config(struct fetch *fetch, const struct oci_manifest *manifest, bool nameless,
		struct arena *memory, struct fetch_config *out, struct err *err)
{
	bool name = nameless && fetch->want->looks & IMAGE_LOOKED_PLATFORM;
	bool run = fetch->want->looks & IMAGE_LOOKED_CONFIG;
	struct err why = ERR_NONE;

	if (!name && !run)
		return 0;
	if (!is_config(manifest->config.media_type)) {
		/* such as that of an artifact, which says nothing of platforms either */
		out->problem = run ? "its type is not that of an image's config" : NULL;
		return 0;
	}
	if (read_json(fetch, &manifest->config, &out->json, &why) < 0 &&
			(name || !fetch_is_its_own(why.kind))) {
		if (err)
			*err = why;
		return err_wrap(err, "the image's config");
	}
	if (!run)
		return 0;
	out->good = out->json && image_config_read(out->json, memory, &out->run, &why) == 0;
	out->problem = out->good ? NULL : fetch_words(memory, why.text);
	return 0;
}
