/* SPDX-License-Identifier: Apache-2.0 */
/* Which opener opens which element, and what is said when none does. */
#include "image/annotation.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "image/wrap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the three above */
#include <cmocka.h>

#define KEYS ANNOTATION_KEYS

static const char options_text[] = "{\"symkey\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\",\"digest\":"
				   "\"\",\"cipheroptions\":{}}";

static json_t *many(size_t count, const char *element)
{
	auto_buf struct buf value = BUF_MAX(1 << 20);

	for (size_t i = 0; i < count; i++)
		buf_printf(&value, "%s%s", i ? "," : "", element);
	return json_pack("{s:s#}", KEYS "jwe", buf_text(&value), (int)value.len);
}

/* Opens the element "open-<name>", says no to others, and notes the order in which it was asked. */
struct fake {
	struct opener opener;
	struct buf *asked;
	enum err_kind kind;
	const char *text;   /* what it gives; NULL: options_text */
	const char *reason; /* why not; NULL: as kind has it */
};

static int fake_unwrap(struct opener *self, struct span element, struct secret *options, struct err *err)
{
	struct fake *fake = (struct fake *)(void *)self;
	char mine[64];

	buf_printf(fake->asked, "%s:%.*s ", self->name, SPAN_ARG(element));
	snprintf(mine, sizeof(mine), "open-%.50s", self->name);
	if (fake->reason)
		return err_set(err, fake->kind, "%s", fake->reason);
	if (!span_is(element, mine))
		return err_set(err, fake->kind, fake->kind == ERR_AUTH ? "not for this key" : "no answer");
	return secret_from_span(options, span_of(fake->text ? fake->text : options_text), err);
}

static void fake_free(struct opener *self)
{
	free(self);
}

static struct fake *fake_add(
		struct opener_list *list, const char *scheme, const char *name, struct buf *asked)
{
	struct fake *fake = xcalloc(1, sizeof(*fake));

	fake->opener = (struct opener){ .unwrap = fake_unwrap, .free = fake_free };
	snprintf(fake->opener.scheme, sizeof(fake->opener.scheme), "%s", scheme);
	snprintf(fake->opener.name, sizeof(fake->opener.name), "%s", name);
	fake->opener.remote = strncmp(scheme, "provider", 8) == 0;
	fake->asked = asked;
	fake->kind = ERR_AUTH;
	opener_list_add(list, &fake->opener);
	return fake;
}

/* {"scheme": ["element", …]} as annotations */
static json_t *annotations_of(const char *text)
{
	auto_json json_t *given = json_loads(text, 0, NULL);
	json_t *out = json_object(), *list, *item;
	const char *scheme;
	size_t i;

	json_object_foreach (given, scheme, list) {
		json_array_foreach (list, i, item) {
			assert_int_equal(annotation_add(out, scheme, span_of(json_string_value(item)), NULL),
					0);
		}
	}
	return out;
}

static void opens_with_the_first_that_can_local_ones_first(void **state)
{
	auto_buf struct buf asked = BUF_MAX(4096);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given = annotations_of("{\"provider.x\":[\"open-far\"],\"jwe\":[\"p\",\"q\"],"
						 "\"pkcs7\":[\"open-cert\",\"r\"]}");

	(void)state;
	fake_add(&list, "provider.", "far", &asked);
	fake_add(&list, "jwe", "one", &asked);
	fake_add(&list, "jwe", "two", &asked);
	fake_add(&list, "pkcs7", "cert", &asked);
	assert_int_equal(annotation_unwrap(given, &list, &options, NULL), 0);
	assert_int_equal(options.key.len, LAYER_KEY);
	assert_string_equal(buf_text(&asked), "one:p two:p one:q two:q cert:open-cert ");

	/* nothing local opens: then the remote ones */
	assert_int_equal(annotation_remove(given, "pkcs7", 0, NULL), 0);
	buf_reset(&asked);
	assert_int_equal(annotation_unwrap(given, &list, &options, NULL), 0);
	assert_string_equal(buf_text(&asked), "one:p two:p one:q two:q cert:r far:open-far ");
}

static void broken_elements_and_broken_answers_do_not_hide_good_ones(void **state)
{
	auto_buf struct buf asked = BUF_MAX(4096);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given = json_pack("{s:s}", KEYS "jwe", "!!!,,b3Blbi1iYWQ=,b3Blbi1nb29k");

	(void)state;
	/* gives something that is no options document, as a decryption with the wrong key may */
	fake_add(&list, "jwe", "bad", &asked)->text = "\x01\x02";
	fake_add(&list, "jwe", "good", &asked);
	assert_int_equal(annotation_unwrap(given, &list, &options, NULL), 0);
	assert_string_equal(buf_text(&asked), "bad:open-bad good:open-bad bad:open-good good:open-good ");
}

static void says_why_each_recipient_could_not(void **state)
{
	auto_buf struct buf asked = BUF_MAX(4096);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given = annotations_of("{\"jwe\":[\"p\"],\"provider.x\":[\"q\"],\"pgp\":[\"r\"]}");
	struct err err = ERR_NONE;

	(void)state;
	fake_add(&list, "jwe", "key 'a'", &asked);
	fake_add(&list, "provider.", "provider 'x'", &asked)->kind = ERR_IO;
	assert_int_equal(annotation_unwrap(given, &list, &options, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	/* what is more than "not for this key" stands first */
	assert_string_equal(err.text,
			"none of the private keys could be used for decryption: provider.x #1: provider "
			"'x': no answer; jwe #1: key 'a': not for this key");
	assert_null(options.key.ptr);
}

static void says_what_is_missing(void **state)
{
	auto_buf struct buf asked = BUF_MAX(4096);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given = annotations_of("{\"jwe\":[\"p\",\"q\"],\"provider.x\":[\"q\"]}"),
			 *none = json_object();
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(annotation_unwrap(given, &list, &options, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_string_equal(err.text,
			"missing private key needed for decryption: the layer is for jwe, provider.x, and "
			"no keys were given");
	fake_add(&list, "pkcs7", "cert", &asked);
	fake_add(&list, "provider.y", "y", &asked);
	assert_int_equal(annotation_unwrap(given, &list, &options, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_string_equal(err.text,
			"missing private key needed for decryption: the layer is for jwe, provider.x, and "
			"none of the keys given is of that kind");
	assert_int_equal(annotation_unwrap(none, &list, &options, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(annotation_unwrap(NULL, &list, &options, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	assert_int_equal(asked.len, 0);
}

static void a_thousand_recipients_fit_into_one_reason(void **state)
{
	auto_buf struct buf asked = BUF_MAX(1 << 20);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given = many(1000, "YQ==");
	struct err err = ERR_NONE;

	(void)state;
	fake_add(&list, "jwe", "key", &asked);
	assert_int_equal(annotation_unwrap(given, &list, &options, &err), -1);
	assert_int_equal(err.kind, ERR_AUTH);
	assert_non_null(strstr(err.text, "jwe #1: key: not for this key"));
	assert_non_null(strstr(err.text, " more"));
	assert_true(strlen(err.text) < ERR_TEXT_MAX - 100);
}

static void a_long_reason_keeps_its_cause(void **state)
{
	auto_buf struct buf asked = BUF_MAX(4096);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given = annotations_of("{\"provider.x\":[\"q\"]}");
	struct err err = ERR_NONE;
	char text[ERR_TEXT_MAX];

	(void)state;
	for (size_t path = 1; path < 900; path++) {
		snprintf(text, sizeof(text), "the program '%0*d' failed: the key is not there", (int)path, 0);
		struct fake *fake = fake_add(&list, "provider.", "x", &asked);
		fake->reason = text;
		assert_int_equal(annotation_unwrap(given, &list, &options, &err), -1);
		assert_non_null(strstr(err.text, "provider.x #1: x: the program '"));
		assert_string_equal(strstr(err.text, "the key"), "the key is not there");
		opener_list_clear(&list);
		buf_reset(&asked);
	}
}

static void does_not_try_for_ever(void **state)
{
	auto_buf struct buf asked = BUF_MAX(64);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given = many(ANNOTATION_ELEMENTS_MAX, "YQ==");
	struct err err = ERR_NONE;

	(void)state;
	for (int i = 0; i < 5; i++)
		fake_add(&list, "jwe", "key", &asked);
	assert_int_equal(annotation_unwrap(given, &list, &options, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

static void a_scheme_is_not_the_beginning_of_another(void **state)
{
	auto_buf struct buf asked = BUF_MAX(4096);
	auto_openers struct opener_list list = OPENER_LIST_NONE;
	auto_private_options struct private_options options = PRIVATE_OPTIONS_NONE;
	auto_json json_t *given =
			annotations_of("{\"jwe2\":[\"p\"],\"provider\":[\"q\"],\"provider.ab\":[\"r\"]}");

	(void)state;
	fake_add(&list, "jwe", "a", &asked);
	fake_add(&list, "provider.a", "b", &asked);
	fake_add(&list, "provider.", "c", &asked);
	assert_int_equal(annotation_unwrap(given, &list, &options, NULL), -1);
	assert_string_equal(buf_text(&asked), "c:r ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_with_the_first_that_can_local_ones_first),
		cmocka_unit_test(broken_elements_and_broken_answers_do_not_hide_good_ones),
		cmocka_unit_test(says_why_each_recipient_could_not),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(a_thousand_recipients_fit_into_one_reason),
		cmocka_unit_test(a_long_reason_keeps_its_cause),
		cmocka_unit_test(does_not_try_for_ever),
		cmocka_unit_test(a_scheme_is_not_the_beginning_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
