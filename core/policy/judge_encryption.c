/* SPDX-License-Identifier: Apache-2.0 */
/* spec.encryption against the layers of every platform that counts. One finding for each rule of a platform: its first
 * cause, and how many there are. */
#include "policy/judge_own.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "kbs/uri.h"
#include "oci/descriptor.h"
#include "oci/name.h"
#include "policy/guest.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* One platform under judgement. */
struct scene {
	const struct judge_image *judge;
	const struct policy_encryption *rules;
	const struct image_platform *platform;
	const char *where; /* " of linux/amd64", or "" */
	struct findings *out;
};

static bool has_text(const json_t *texts, const char *text)
{
	json_t *item = NULL;
	size_t i = 0;

	json_array_foreach (texts, i, item)
		if (!strcmp(json_string_value(item), text))
			return true;
	return false;
}

/* ---- which layers are encrypted -------------------------------------------------------------------------- */

static bool may_be_plain(const struct scene *scene, const struct image_layer *layer)
{
	return has_text(scene->rules->plain_layers, layer->digest);
}

/* " and 2 more" behind a first cause. */
struct others {
	char text[40];
};

static struct others others(size_t count)
{
	struct others out = { .text = "" };

	if (count > 1)
		snprintf(out.text, sizeof(out.text), " (and %zu more)", count - 1);
	return out;
}

/* The first of `missing` layers that should be encrypted and are not. */
static void say_plain(const struct scene *scene, size_t first, size_t missing)
{
	const struct image_layer *layer = &scene->platform->layers[first];

	findings_add(scene->out, FINDING_VIOLATION, "encryption.layers",
			"layer %zu%s (%s) is not encrypted%s%s%s; encrypt the image with image-crypt", first,
			scene->where, judge_digest(layer->digest).text, layer->problem ? ": " : "",
			layer->problem ? layer->problem : "", others(missing).text);
}

static bool is_named(const json_t *indexes, size_t layer, size_t count)
{
	json_t *item = NULL;
	size_t i = 0;

	json_array_foreach (indexes, i, item) {
		json_int_t index = json_integer_value(item);
		if (index == (json_int_t)layer || index + (json_int_t)count == (json_int_t)layer)
			return true;
	}
	return false;
}

/* Of all layers, or those named, the ones that are neither encrypted nor allowed to be plain. */
static void judge_chosen(const struct scene *scene)
{
	const struct image_platform *platform = scene->platform;
	bool named = scene->rules->layers == LAYERS_NAMED;
	size_t first = 0, missing = 0;

	for (size_t i = 0; i < platform->layer_count; i++) {
		if (named && !is_named(scene->rules->indexes, i, platform->layer_count))
			continue;
		if (platform->layers[i].encrypted || may_be_plain(scene, &platform->layers[i]))
			continue;
		first = missing++ ? first : i;
	}
	if (missing)
		say_plain(scene, first, missing);
}

/* What is named is there. */
static void judge_indexes(const struct scene *scene)
{
	const json_int_t count = (json_int_t)scene->platform->layer_count;
	json_t *item = NULL;
	size_t i = 0;

	json_array_foreach (scene->rules->indexes, i, item) {
		json_int_t index = json_integer_value(item);
		if (index >= count || index < -count)
			findings_add(scene->out, FINDING_VIOLATION, "encryption.indexes",
					"there is no layer %" JSON_INTEGER_FORMAT
					"%s, which has %zu; correct "
					"the policy's indexes, or the image",
					index, scene->where, scene->platform->layer_count);
	}
}

/* In every mode something is encrypted: an image of plain layers alone is a plain image. */
static bool judge_layers(const struct scene *scene)
{
	const struct image_platform *platform = scene->platform;
	size_t encrypted = 0;

	for (size_t i = 0; i < platform->layer_count; i++)
		encrypted += platform->layers[i].encrypted;
	if (!encrypted) {
		findings_add(scene->out, FINDING_VIOLATION, "encryption.layers",
				"none of the %zu layers%s is encrypted; encrypt the image with image-crypt",
				platform->layer_count, scene->where);
		return false;
	}
	judge_indexes(scene);
	if (scene->rules->layers != LAYERS_ANY)
		judge_chosen(scene);
	return true;
}

/* ---- who can decrypt them -------------------------------------------------------------------------------- */

/* The part of a URL or of a key's URI that names a host, without what may be left out of it. */
static struct span host_of(const char *url)
{
	const char *begin = strstr(url, "://");
	struct span host = span_of(begin ? begin + 3 : url);

	host.len = span_find(host, '/');
	return host;
}

static bool same_broker(const char *url, const char *address)
{
	struct span own = host_of(url), given = span_of(address);
	size_t close = own.len && own.ptr[0] == '[' ? span_find(own, ']') : 0;
	struct span name = span_new(own.ptr, close + span_find(span_from(own, close), ':'));

	if (own.len == given.len && !strncasecmp(own.ptr, given.ptr, own.len))
		return true;
	/* an address without a port names the host alone */
	return name.len == given.len && given.len && !strncasecmp(name.ptr, given.ptr, name.len);
}

/* What is wrong with one recipient, by the rule it breaks; the first of a platform is told. */
enum broken { BROKEN_SCHEMES, BROKEN_GUEST, BROKEN_KEYS, BROKEN_BROKER, BROKEN_UNKNOWN, BROKEN };

struct breach {
	size_t count;
	size_t layer, recipient;
	char why[400];
};

static void breach_add(struct breach *breach, size_t layer, size_t recipient, const char *fmt, ...)
		__attribute__((format(printf, 4, 5)));
static void breach_add(struct breach *breach, size_t layer, size_t recipient, const char *fmt, ...)
{
	va_list args;

	if (breach->count++)
		return;
	breach->layer = layer;
	breach->recipient = recipient;
	va_start(args, fmt);
	vsnprintf(breach->why, sizeof(breach->why), fmt, args);
	va_end(args);
}

static bool key_is_allowed(const struct policy_encryption *rules, const struct kbs_uri *uri)
{
	auto_buf struct buf text = BUF_MAX(2 * KBS_URI_MAX);
	json_t *glob = NULL;
	size_t i = 0;

	kbs_uri_format(uri, &text);
	json_array_foreach (rules->keys, i, glob)
		if (span_glob(span_of(json_string_value(glob)), buf_span(&text)))
			return true;
	return false;
}

/* A key's URI in the one form that globs are held against. What brokers would not serve, or would read in another way
 * than it is written, is none. */
static int read_key_uri(const char *key, struct kbs_uri *out, struct err *err)
{
	if (!*key)
		return err_set(err, ERR_FORMAT, "names no key");
	if (kbs_uri_parse_key_id(span_of(key), out, err) < 0 || kbs_uri_check(out, err) < 0)
		return -1;
	if (strchr(out->path, '%') || strchr(out->query, '%'))
		return err_set(err, ERR_FORMAT, "'%.200s': is written with escapes", key);
	return 0;
}

static void judge_key(const struct scene *scene, struct breach *breaches, size_t layer, size_t at)
{
	const struct image_recipient *recipient = &scene->platform->layers[layer].recipients[at];
	const struct guest_view *guest = scene->judge->guest;
	struct err err = ERR_NONE;
	struct kbs_uri uri = { .address = "" };

	if (read_key_uri(recipient->key, &uri, &err) < 0) {
		/* what cannot be read may name any broker */
		if (scene->rules->keys)
			breach_add(&breaches[BROKEN_KEYS], layer, at, "%s", err.text);
		else if (scene->rules->same_broker && *recipient->key)
			breach_add(&breaches[BROKEN_BROKER], layer, at, "%s", err.text);
		return;
	}
	if (scene->rules->keys && !key_is_allowed(scene->rules, &uri))
		breach_add(&breaches[BROKEN_KEYS], layer, at, "its key is %.200s", recipient->key);
	if (!scene->rules->same_broker || !uri.address[0])
		return;
	if (!guest || !guest->kbs_url)
		breach_add(&breaches[BROKEN_UNKNOWN], layer, at, "its key is %.200s", recipient->key);
	else if (!same_broker(guest->kbs_url, uri.address))
		breach_add(&breaches[BROKEN_BROKER], layer, at, "its key is %.200s, and the pod asks %.200s",
				recipient->key, guest->kbs_url);
}

static void judge_recipient(const struct scene *scene, struct breach *breaches, size_t layer, size_t at)
{
	const struct image_recipient *recipient = &scene->platform->layers[layer].recipients[at];
	enum packet_guest guest = scene->rules->guest;

	if (!has_text(scene->rules->schemes, recipient->scheme))
		breach_add(&breaches[BROKEN_SCHEMES], layer, at, "is for %.80s", recipient->scheme);
	if (strcmp(recipient->scheme, PACKET_SCHEME) != 0)
		return;
	if (guest != PACKET_GUESTS && (recipient->problem || !recipient->guests[guest]))
		breach_add(&breaches[BROKEN_GUEST], layer, at, "%s",
				recipient->problem ? recipient->problem
						   : "is in a form that another generation reads");
	judge_key(scene, breaches, layer, at);
}

/* Whether somebody can decrypt the layer at all. */
static void judge_readable(const struct scene *scene, struct breach *breaches, size_t at)
{
	const struct image_layer *layer = &scene->platform->layers[at];
	bool packet = false;

	for (size_t i = 0; i < layer->recipient_count; i++)
		packet = packet || !strcmp(layer->recipients[i].scheme, PACKET_SCHEME);
	if (!layer->recipient_count)
		breach_add(&breaches[BROKEN_GUEST], at, SIZE_MAX, "%s",
				layer->problem ? layer->problem : "it has no wrapped keys");
	else if (scene->rules->guest != PACKET_GUESTS && layer->problem)
		breach_add(&breaches[BROKEN_GUEST], at, SIZE_MAX, "%s", layer->problem);
	else if (scene->rules->guest != PACKET_GUESTS && !packet)
		breach_add(&breaches[BROKEN_GUEST], at, SIZE_MAX, "it has no " PACKET_SCHEME " key packet");
}

static void say_breach(const struct scene *scene, const struct breach *breach, enum broken which)
{
	static const struct {
		enum finding_kind kind;
		const char *rule, *what, *remedy;
	} words[BROKEN] = {
		[BROKEN_SCHEMES] = { FINDING_VIOLATION, "encryption.schemes", "is wrapped in no allowed way",
				"encrypt for the policy's schemes alone" },
		[BROKEN_GUEST] = { FINDING_VIOLATION, "encryption.guest", "cannot be read by the guest",
				"encrypt the image again with image-crypt" },
		[BROKEN_KEYS] = { FINDING_VIOLATION, "encryption.keys", "is under no allowed key",
				"encrypt with a key of the policy's list" },
		[BROKEN_BROKER] = { FINDING_VIOLATION, "encryption.sameBroker",
				"is under another broker's key",
				"encrypt with a key of the pod's broker, or name none in its URI" },
		[BROKEN_UNKNOWN] = { FINDING_UNKNOWN, "encryption.sameBroker",
				"is under a key that names a broker, and the pod's init-data names none",
				"name the broker in the init-data, or none in the key's URI" },
	};
	const struct image_layer *layer = &scene->platform->layers[breach->layer];
	char recipient[48] = "";

	if (!breach->count)
		return;
	if (breach->recipient != SIZE_MAX)
		snprintf(recipient, sizeof(recipient), "wrapped key #%zu: ", breach->recipient + 1);
	findings_add(scene->out, words[which].kind, words[which].rule, "layer %zu%s (%s) %s: %s%s%s; %s",
			breach->layer, scene->where, judge_digest(layer->digest).text, words[which].what,
			recipient, breach->why, others(breach->count).text, words[which].remedy);
}

static void judge_recipients(const struct scene *scene)
{
	struct breach breaches[BROKEN] = { { .count = 0 } };

	for (size_t i = 0; i < scene->platform->layer_count; i++) {
		if (!scene->platform->layers[i].encrypted)
			continue;
		judge_readable(scene, breaches, i);
		for (size_t k = 0; k < scene->platform->layers[i].recipient_count; k++)
			judge_recipient(scene, breaches, i, k);
	}
	for (unsigned i = 0; i < BROKEN; i++)
		say_breach(scene, &breaches[i], (enum broken)i);
}

/* ---- platforms ------------------------------------------------------------------------------------------- */

/* One whose name nobody says may be any: guests that ask for nothing else take it. */
static bool platform_fits(const struct image_platform *platform, const char *wanted)
{
	struct span rest = span_of(platform->name), os = SPAN_NONE, arch = SPAN_NONE;

	if (!rest.len || !span_next(&rest, '/', &os) || !span_next(&rest, '/', &arch))
		return true;
	auto_json json_t *object = json_pack("{s:s%, s:s%, s:s%}", "os", os.ptr, os.len, "architecture",
			arch.ptr, arch.len, "variant", rest.len ? rest.ptr : "", rest.len);
	return !object || oci_platform_fits(object, wanted);
}

/* An architecture in the one spelling that containerd has for several. */
static struct span plain_architecture(struct span text)
{
	static const char *const others[][2] = { { "x86_64", "amd64" }, { "x86-64", "amd64" },
		{ "aarch64", "arm64" }, { "armhf", "arm" }, { "armel", "arm" }, { "i386", "386" } };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (text.len == strlen(others[i][0]) && !strncasecmp(text.ptr, others[i][0], text.len))
			return span_of(others[i][1]);
	return text;
}

static bool same_word(struct span a, struct span b)
{
	return a.len == b.len && !strncasecmp(a.ptr, b.ptr, a.len);
}

/*
 * Might somebody who was asked for the wanted platform run this one? The guest takes the first of its architecture,
 * whatever the variant; containerd reads either case and several spellings.
 */
static bool may_be_taken(const struct image_platform *platform, const char *wanted)
{
	struct span rest = span_of(platform->name), os = SPAN_NONE, arch = SPAN_NONE;
	struct span other = span_of(wanted), wanted_os = SPAN_NONE, wanted_arch = SPAN_NONE;

	span_next(&rest, '/', &os);
	span_next(&rest, '/', &arch);
	span_next(&other, '/', &wanted_os);
	span_next(&other, '/', &wanted_arch);
	return !os.len || !arch.len ||
			(same_word(os, wanted_os) &&
					same_word(plain_architecture(arch), plain_architecture(wanted_arch)));
}

static bool platform_counts(const struct policy_encryption *rules, const struct image_platform *platform)
{
	json_t *wanted = NULL;
	size_t i = 0;

	if (!rules->platforms)
		return true;
	json_array_foreach (rules->platforms, i, wanted)
		if (may_be_taken(platform, json_string_value(wanted)))
			return true;
	return false;
}

/* Every platform that the policy names is there. */
static void judge_platforms(const struct judge_image *judge, struct findings *out)
{
	const struct image_facts *facts = judge->facts;
	json_t *wanted = NULL;
	size_t i = 0;

	json_array_foreach (judge->policy->encryption.platforms, i, wanted) {
		bool found = false;
		for (size_t k = 0; k < facts->platform_count; k++)
			found = found || platform_fits(&facts->platforms[k], json_string_value(wanted));
		if (!found)
			findings_add(out, FINDING_VIOLATION, "encryption.platforms",
					"the image has no %s, which the policy asks for; build and encrypt "
					"it "
					"for that platform, too",
					json_string_value(wanted));
	}
}

void judge_encryption(const struct judge_image *judge, struct findings *out)
{
	const struct image_facts *facts = judge->facts;
	size_t judged = 0;

	judge_platforms(judge, out);
	for (size_t i = 0; i < facts->platform_count; i++) {
		const struct image_platform *platform = &facts->platforms[i];
		char where[300] = "";
		if (facts->platform_count > 1 || platform->name[0])
			snprintf(where, sizeof(where), " of %.250s",
					platform->name[0] ? platform->name
							  : judge_digest(platform->digest).text);
		struct scene scene = { judge, &judge->policy->encryption, platform, where, out };
		if (!platform_counts(scene.rules, platform))
			continue;
		judged++;
		if (judge_layers(&scene))
			judge_recipients(&scene);
	}
	if (!judged && !judge->policy->encryption.platforms)
		findings_add(out, FINDING_VIOLATION, "encryption.platforms",
				"the index names no platform that could run; push an image for one");
}
