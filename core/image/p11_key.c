/* SPDX-License-Identifier: Apache-2.0 */
#include "image/p11_key.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/own.h"
#include "codec/json.h"
#include "codec/yaml.h"

#include <errno.h>
#include <p11-kit/uri.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void p11_key_free(struct p11_key *key)
{
	int saved = errno;

	if (!key)
		return;
	p11_kit_uri_free(key->uri);
	free(key->text);
	secret_clear(&key->pin);
	free(key->pin_source);
	json_decref(key->env);
	free(key);
	errno = saved;
}

/* ---- the URI ---- */

/* For texts of libraries that held a PIN and that we are about to let go. */
static void wipe(const char *text)
{
	explicit_bzero((void *)(uintptr_t)text, strlen(text));
}

/* pin-source is a path or a file: URI; RFC 7512 leaves the rest to the application. */
static int take_pin_source(struct p11_key *key, const char *source, struct err *err)
{
	struct span path = span_of(source);

	if (span_starts(path, "file://"))
		path = span_from(path, 7);
	else if (span_starts(path, "file:"))
		path = span_from(path, 5);
	if (!span_starts(path, "/"))
		/* it may be the PIN itself, by mistake */
		return err_set(err, ERR_USAGE, "the URI's pin-source is no absolute path of a file");
	key->pin_source = xmemdup0(path.ptr, path.len);
	return 0;
}

static int take_pin(struct p11_key *key, struct err *err)
{
	const char *pin = p11_kit_uri_get_pin_value(key->uri);
	const char *source = p11_kit_uri_get_pin_source(key->uri);

	if (!pin)
		return source ? take_pin_source(key, source, err) : 0;
	int status = secret_from_span(&key->pin, span_of(pin), err);
	wipe(pin);
	p11_kit_uri_set_pin_value(key->uri, NULL);
	return status;
}

static int take_uri(struct p11_key *key, const char *text, struct err *err)
{
	char *formatted = NULL;

	key->uri = p11_kit_uri_new();
	if (!key->uri)
		return err_set(err, ERR_BUG, "no memory for a PKCS#11 URI");
	int status = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, key->uri);
	if (status != P11_KIT_URI_OK)
		return err_set(err, ERR_FORMAT, "pkcs11.uri is no PKCS#11 URI: %s",
				p11_kit_uri_message(status));
	if (take_pin(key, err) < 0)
		return -1;
	if (p11_kit_uri_any_unrecognized(key->uri))
		return err_set(err, ERR_USAGE, "pkcs11.uri has an attribute that we do not know");
	if (p11_kit_uri_format(key->uri, P11_KIT_URI_FOR_ANY, &formatted) != P11_KIT_URI_OK)
		return err_set(err, ERR_FORMAT, "pkcs11.uri cannot be written again");
	key->text = formatted;
	/* as a part of the token's name it would stand in every message */
	if (strstr(key->text, "pin-value"))
		return err_set(err, ERR_USAGE, "pkcs11.uri has a pin-value that does not stand behind a '?'");
	return 0;
}

int p11_key_pin(const struct p11_key *key, struct secret *out, struct err *err)
{
	auto_secret struct secret file = SECRET_NONE;

	if (key->pin.len || !key->pin_source)
		return secret_from_span(out, secret_span(&key->pin), err);
	if (secret_read_file(&file, key->pin_source, err) < 0)
		return err_wrap(err, "reading the PIN");
	struct span pin = secret_span(&file);
	if (span_ends(pin, "\n"))
		pin.len--;
	if (span_ends(pin, "\r"))
		pin.len--;
	return secret_from_span(out, pin, err);
}

/* ---- the description ---- */

/* Block style, broken or not; any other style has to be well formed. */
bool p11_key_is(struct span text)
{
	auto_json json_t *doc = NULL;
	struct span rest = text, line = SPAN_NONE;

	if (text.len > P11_TEXT_MAX || !text.len || !memmem(text.ptr, text.len, "pkcs11", 6))
		return false;
	while (span_next(&rest, '\n', &line))
		if (span_starts(line, "pkcs11:"))
			return true;
	return yaml_read_one(text, P11_TEXT_MAX, &doc, NULL) == 0 &&
			json_is_object(json_object_get(doc, "pkcs11"));
}

/* Numbers are texts to the peer, whose map is one of strings. */
static int take_env(struct p11_key *key, const json_t *env, struct err *err)
{
	const char *name = NULL;
	json_t *value = NULL;

	key->env = json_object();
	if (json_object_size(env) > P11_LIST_MAX)
		return err_set(err, ERR_LIMIT, "more than %d members of module.env", P11_LIST_MAX);
	json_object_foreach ((json_t *)(uintptr_t)env, name, value) {
		if (!json_is_string(value) && !json_is_integer(value))
			return err_set(err, ERR_FORMAT, "module.env.%.60s is no text", name);
		if (!*name || strchr(name, '='))
			return err_set(err, ERR_FORMAT, "module.env has a name that is none: '%.60s'", name);
		auto_free char *number = xasprintf("%lld", (long long)json_integer_value(value));
		json_object_set_new(key->env, name,
				json_is_string(value) ? json_incref(value) : json_string(number));
	}
	return 0;
}

static int take_members(struct p11_key *key, const json_t *doc, struct err *err)
{
	json_t *pkcs11 = NULL, *module = NULL, *env = NULL;
	const char *uri = NULL;

	if (json_get_object(doc, "", "pkcs11", &pkcs11, err) < 0 ||
			json_get_text(pkcs11, "pkcs11", "uri", &uri, err) < 0 ||
			json_opt_object(doc, "", "module", &module, err) < 0 ||
			json_opt_object(module, "module", "env", &env, err) < 0)
		return -1;
	int status = take_uri(key, uri, err);
	wipe(uri);
	if (status < 0 || !env)
		return status;
	return take_env(key, env, err);
}

int p11_key_parse(struct span text, struct p11_key **out, struct err *err)
{
	auto_p11_key struct p11_key *key = xcalloc(1, sizeof(*key));
	auto_json json_t *doc = NULL;

	if (yaml_read_one(text, P11_TEXT_MAX, &doc, err) < 0 || take_members(key, doc, err) < 0)
		return -1;
	*out = take(&key);
	return 0;
}
