/* SPDX-License-Identifier: Apache-2.0 */
#include "facts/places.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/own.h"
#include "facts/spares.h"
#include "net/http.h"
#include "oci/dockerconfig.h"
#include "policy/registry.h"

#include <stdio.h>
#include <string.h>

void facts_logins_clear(struct facts_logins *logins)
{
	for (size_t i = 0; i < logins->count; i++)
		secret_clear(&logins->texts[i]);
	logins->count = 0;
}

/* ---- which ---- */

static size_t mirror_count(const struct image_want *want)
{
	return want->registry ? want->registry->mirror_count : 0;
}

size_t places_count(const struct facts_options *options, const struct image_want *want)
{
	return options->layout_count + (options->offline ? 0 : mirror_count(want) + 1);
}

/* The mirror that a place is; NULL: it is a layout, or the registry itself. */
static const struct registry_mirror *mirror_at(
		const struct facts_options *options, const struct image_want *want, size_t place)
{
	if (place < options->layout_count || place - options->layout_count >= mirror_count(want))
		return NULL;
	return &want->registry->mirrors[place - options->layout_count];
}

void places_host(const struct facts_options *options, const struct image_want *want, size_t place,
		char out[static PLACES_HOST_MAX])
{
	const struct registry_mirror *mirror = mirror_at(options, want, place);

	out[0] = '\0';
	if (mirror)
		snprintf(out, PLACES_HOST_MAX, "%.*s", (int)strcspn(mirror->location, "/"), mirror->location);
	else if (place >= options->layout_count)
		snprintf(out, PLACES_HOST_MAX, "%s", want->name.host);
}

bool places_is_stranger(const struct facts_options *options, const struct image_want *want, size_t place)
{
	if (place < options->layout_count || mirror_at(options, want, place))
		return false;
	return options->guard && !(want->registry && !strcmp(want->registry->host, want->name.host));
}

/* ---- layouts ---- */

/* Is the name that a layout was given with that of the image? */
static bool is_named(const char *text, const struct image_want *want)
{
	struct oci_name name;

	if (oci_name_parse(text, &name, NULL) < 0 || strcmp(name.host, want->name.host) != 0 ||
			strcmp(name.repository, want->name.repository) != 0)
		return false;
	return *want->name.digest || !strcmp(name.tag, want->name.tag);
}

static int make_layout(
		const char *text, const struct image_want *want, struct oci_place *out, struct err *err)
{
	const struct oci_name *name = &want->name;

	if (oci_place_parse(text, out, err) < 0)
		return -1;
	if (*out->tag && !is_named(out->tag, want))
		return err_set(err, ERR_NOT_FOUND, "'%.200s' is another image", text);
	if (!*out->tag)
		snprintf(out->tag, sizeof(out->tag), "%s/%s:%s", name->host, name->repository, name->tag);
	return 0;
}

/* ---- registries ---- */

static int make_mirror(
		const char *location, const struct image_want *want, struct oci_place *out, struct err *err)
{
	struct oci_name name = want->name;
	size_t host = strcspn(location, "/");
	const char *prefix = location[host] ? location + host + 1 : "";

	int len = snprintf(name.repository, sizeof(name.repository), "%s%s%s", prefix, *prefix ? "/" : "",
			want->name.repository);
	if (host >= sizeof(name.host) || (size_t)len >= sizeof(name.repository))
		return err_set(err, ERR_LIMIT, "the image's name at the mirror '%.200s' is too long",
				location);
	snprintf(name.host, sizeof(name.host), "%.*s", (int)host, location);
	return oci_name_place(&name, out, err);
}

static int make_place(const struct facts_options *options, const struct places_try *try,
		struct oci_place *out, struct err *err)
{
	const struct registry_mirror *mirror = mirror_at(options, try->want, try->place);

	if (try->place < options->layout_count)
		return make_layout(options->layouts[try->place], try->want, out, err);
	if (mirror)
		return make_mirror(mirror->location, try->want, out, err);
	return oci_name_place(&try->want->name, out, err);
}

static void make_access(const struct facts_options *options, const struct places_try *try,
		const struct oci_place *place, struct oci_access *out)
{
	const struct registry_settings *settings = try->want->registry;
	const struct registry_mirror *mirror = mirror_at(options, try->want, try->place);
	bool own_proxy = settings && settings->proxy;

	*out = (struct oci_access){ .auth_file = options->auth_file,
		.auth_files = options->auth_files,
		.ca = settings ? settings->ca : SPAN_NONE,
		.plain_http = mirror ? mirror->plain_http : settings && settings->plain_http,
		.proxy = own_proxy ? settings->proxy : options->proxy,
		.no_proxy = own_proxy ? settings->no_proxy : options->no_proxy,
		.user_agent = options->user_agent,
		.guard = options->guard,
		.impatient = true };
	if (!places_is_stranger(options, try->want, try->place))
		out->vouched = place->host;
}

/* ---- credentials ---- */

/* Who was asked for them is no registry: if he wants patience, that is not the registry's. */
static int find_logins(const struct facts_options *options, const struct image_want *want,
		struct facts_logins *out, struct err *err)
{
	if (options->logins(options->ctx, want, out, err) == 0)
		return 0;
	if (err)
		err->retry_after = 0;
	return -1;
}

/* Those that others have given count when there is one for the place among them. */
static int choose_logins(struct oci_access *access, const struct oci_place *place, const struct span *texts,
		size_t count, struct err *err)
{
	auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
	struct oci_access given = *access;

	if (!count)
		return 0;
	given.auth_texts = texts;
	given.auth_text_count = count;
	if (oci_login_find(&given, place, &login, err) < 0)
		return err_wrap(err, "the credentials for '%s'", place->host);
	if (login.user || login.identity.len)
		*access = given;
	return 0;
}

/* After a failure nobody knows what state the connections are in. */
static int fetch_with_spare(const struct facts_options *options, const struct places_try *try,
		const struct fetch_options *fetch, struct oci_access *access, struct image_facts **out,
		struct err *err)
{
	bool stranger = places_is_stranger(options, try->want, try->place);
	struct spare_key key;

	access->stop = try->stop;
	spare_key_make(try->want, fetch->place->host, stranger, &key);
	access->http = spares_take(try->spares, &key, clock_mono(options->clock));
	if (!access->http)
		access->http = oci_access_client(access, err);
	if (!access->http)
		return -1;
	int status = fetch_image(fetch, try->want, out, err);
	if (status < 0)
		http_free(access->http);
	else
		spares_give(try->spares, &key, access->http, clock_mono(options->clock));
	return status;
}

static int fetch_with(const struct facts_options *options, const struct places_try *try,
		const struct oci_place *place, const struct facts_logins *logins, struct image_facts **out,
		struct err *err)
{
	const struct fetch_options fetch = { .place = place,
		.clock = options->clock,
		.deadline = try->deadline,
		.stop = try->stop,
		.known = try->known,
		.ctx = try->ctx };
	struct fetch_options with = fetch;
	struct span texts[FACTS_LOGINS_MAX];
	struct oci_access access;

	make_access(options, try, place, &access);
	for (size_t i = 0; i < logins->count; i++)
		texts[i] = secret_span(&logins->texts[i]);
	if (choose_logins(&access, place, texts, logins->count, err) < 0)
		return -1;
	with.access = &access;
	if (!try->spares || place->transport != OCI_DOCKER)
		return fetch_image(&with, try->want, out, err);
	return fetch_with_spare(options, try, &with, &access, out, err);
}

int places_fetch(const struct facts_options *options, const struct places_try *try, struct image_facts **out,
		struct err *err)
{
	auto_free struct oci_place *place = xcalloc(1, sizeof(*place));
	struct facts_logins logins = { .count = 0 };

	if (make_place(options, try, place, err) < 0)
		return -1;
	int status = 0;
	if (options->logins && place->transport == OCI_DOCKER)
		status = find_logins(options, try->want, &logins, err);
	if (!status)
		status = fetch_with(options, try, place, &logins, out, err);
	facts_logins_clear(&logins);
	return status;
}
