/* SPDX-License-Identifier: Apache-2.0 */
/* How an image starts, read from its config. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/own.h"
#include "codec/json.h"
#include "policy/arena.h"
#include "policy/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct arena memory;
static json_t *document;

static int teardown(void **state)
{
	(void)state;
	arena_clear(&memory);
	json_decref(document);
	document = NULL;
	return 0;
}

static int read_config(const char *text, struct image_config *out, struct err *err)
{
	teardown(NULL);
	if (json_read(span_of(text), (size_t)16 << 20, &document, err) < 0)
		return -1;
	return image_config_read(document, &memory, out, err);
}

static struct image_config good(const char *text)
{
	struct image_config config;
	struct err err = ERR_NONE;

	if (read_config(text, &config, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return config;
}

static void refused(const char *text, enum err_kind kind, const char *words)
{
	struct image_config config;
	struct err err = ERR_NONE;

	if (read_config(text, &config, &err) == 0)
		fail_msg("%.200s is taken", text);
	if (err.kind != kind || !strstr(err.text, words))
		fail_msg("%.200s: %s: %s (not %s '%s')", text, err_kind_name(err.kind), err.text,
				err_kind_name(kind), words);
}

/* Texts, with '|' between them. */
static void is_list(const char *const *list, const char *words)
{
	auto_buf struct buf text = BUF_MAX(4096);

	for (size_t i = 0; list[i]; i++)
		buf_printf(&text, "%s%s", i ? "|" : "", list[i]);
	assert_string_equal(buf_text(&text), words);
}

#define CONFIG(members) "{\"config\":{" members "}}"

/* ---- good ones ---- */

#define WHOLE                                                                                             \
	"{\"os\":\"linux\",\"config\":{\"User\":\"1000:1000\",\"WorkingDir\":\"/data\",\"Env\":[\"PATH=/" \
	"bin\","                                                                                          \
	"\"A=b=c\",\"A=b=c\"],\"Entrypoint\":[\"/entrypoint.sh\",\"\"],\"Cmd\":[\"redis\",\"--port\"],"   \
	"\"Volumes\":{\"/node-conf\":{},\"/data\":{},\"/a\":null},\"Labels\":{\"User\":\"x\"},"           \
	"\"ExposedPorts\":{\"80/tcp\":{}},\"ArgsEscaped\":true},\"container_config\":{\"Cmd\":[\"other\"]}}"

static void is_whole(const struct image_config *config)
{
	assert_string_equal(config->user, "1000:1000");
	assert_string_equal(config->cwd, "/data");
	is_list(config->env, "PATH=/bin|A=b=c|A=b=c");
	is_list(config->entrypoint, "/entrypoint.sh|");
	is_list(config->cmd, "redis|--port");
	is_list(config->volumes, "/a|/data|/node-conf");
}

static void reads_all_that_says_how_an_image_starts(void **state)
{
	struct image_config config = good(WHOLE);

	(void)state;
	is_whole(&config);
}

static void what_is_not_there_is_empty(void **state)
{
	static const char *const texts[] = { "{}", "{\"config\":null}", "{\"config\":{}}",
		CONFIG("\"User\":null,\"WorkingDir\":null,\"Env\":null,\"Entrypoint\":null"),
		CONFIG("\"Cmd\":null,\"Volumes\":null"),
		CONFIG("\"User\":\"\",\"WorkingDir\":\"\",\"Env\":[]"),
		CONFIG("\"Entrypoint\":[],\"Cmd\":[],\"Volumes\":{}"),
		"{\"container_config\":{\"Cmd\":[\"x\"]}}" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct image_config config = good(texts[i]);
		assert_string_equal(config.user, "");
		assert_string_equal(config.cwd, "");
		is_list(config.env, "");
		is_list(config.entrypoint, "");
		is_list(config.cmd, "");
		is_list(config.volumes, "");
	}
}

/* ---- malformed ones ---- */

static void names_what_is_wrong(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "[]", "" },
		{ "[{\"config\":{}}]", "" },
		{ "{\"config\":[]}", "config" },
		{ "{\"config\":\"x\"}", "config" },
		{ CONFIG("\"User\":0"), "config.User" },
		{ CONFIG("\"User\":[\"root\"]"), "config.User" },
		{ CONFIG("\"WorkingDir\":{}"), "config.WorkingDir" },
		{ CONFIG("\"Env\":\"A=b\""), "config.Env" },
		{ CONFIG("\"Env\":{\"A\":\"b\"}"), "config.Env" },
		{ CONFIG("\"Env\":[\"A=b\",1]"), "config.Env" },
		{ CONFIG("\"Env\":[null]"), "config.Env" },
		{ CONFIG("\"Entrypoint\":\"/bin/sh\""), "config.Entrypoint" },
		{ CONFIG("\"Entrypoint\":[[\"/bin/sh\"]]"), "config.Entrypoint" },
		{ CONFIG("\"Cmd\":true"), "config.Cmd" },
		{ CONFIG("\"Cmd\":[{}]"), "config.Cmd" },
		{ CONFIG("\"Volumes\":[\"/data\"]"), "config.Volumes" },
		{ CONFIG("\"Volumes\":{\"/data\":\"x\"}"), "config.Volumes" },
		{ CONFIG("\"Volumes\":{\"/data\":[]}"), "config.Volumes" },
		/* which readers that fold names would take for the member */
		{ "{\"Config\":{\"User\":\"root\"}}", "Config" },
		{ "{\"config\":{},\"CONFIG\":{\"User\":\"root\"}}", "CONFIG" },
		{ CONFIG("\"user\":\"root\""), "user" },
		{ CONFIG("\"Env\":[],\"ENV\":[\"A=b\"]"), "ENV" },
		{ CONFIG("\"EntryPoint\":[\"/bin/sh\"]"), "EntryPoint" },
		{ CONFIG("\"workingDir\":\"/\""), "workingDir" },
		{ CONFIG("\"cmd\":[]"), "cmd" },
		{ CONFIG("\"volumes\":{}"), "volumes" },
		/* of the reader below */
		{ CONFIG("\"User\":\"a\",\"User\":\"b\""), "duplicate" },
		{ CONFIG("\"User\":\"a\\u0000b\""), "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		refused(cases[i].text, ERR_FORMAT, cases[i].words);
}

static void a_config_cut_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < strlen(WHOLE); len++) {
		auto_free char *cut = xmemdup0(WHOLE, len);
		refused(cut, ERR_FORMAT, "");
	}
}

/* `count` members of `len` bytes each; numbered, as a set has each once. */
static char *many(const char *key, size_t count, size_t len, bool set)
{
	struct buf text = BUF_MAX((size_t)4 << 20);

	buf_printf(&text, "{\"config\":{\"%s\":%c", key, set ? '{' : '[');
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s\"%0*zu\"%s", i ? "," : "", (int)len, i, set ? ":{}" : "");
	buf_printf(&text, "%c}}", set ? '}' : ']');
	assert_false(text.over);
	return buf_take(&text);
}

static void each_list_has_its_bound(void **state)
{
	static const char *const keys[] = { "Env", "Entrypoint", "Cmd", "Volumes" };

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		bool set = i == 3;
		auto_free char *most = many(keys[i], IMAGE_CONFIG_LIST_MAX, 4, set);
		auto_free char *more = many(keys[i], IMAGE_CONFIG_LIST_MAX + 1, 4, set);
		auto_free char *longest = many(keys[i], 1, IMAGE_CONFIG_TEXT_MAX, set);
		auto_free char *longer = many(keys[i], 1, IMAGE_CONFIG_TEXT_MAX + 1, set);
		auto_free char *all = many(keys[i], 4, IMAGE_CONFIG_TEXT_MAX, set);
		auto_free char *beyond = many(keys[i], 5, IMAGE_CONFIG_TEXT_MAX, set);
		(void)good(most);
		refused(more, ERR_LIMIT, keys[i]);
		(void)good(longest);
		refused(longer, ERR_LIMIT, "a text of 32769 bytes, more than 32768");
		(void)good(all);
		refused(beyond, ERR_LIMIT, "the texts exceed 131072 bytes");
	}
}

static void the_users_and_the_folders_texts_have_theirs(void **state)
{
	static const char *const keys[] = { "User", "WorkingDir" };
	auto_free char *x = xcalloc(1, IMAGE_CONFIG_TEXT_MAX + 2);

	(void)state;
	memset(x, 'x', IMAGE_CONFIG_TEXT_MAX + 1);
	for (size_t i = 0; i < COUNT(keys); i++) {
		auto_free char *text = xasprintf("{\"config\":{\"%s\":\"%s\"}}", keys[i], x);
		refused(text, ERR_LIMIT, keys[i]);
	}
}

/* ---- facts ---- */

static void facts_keep_it_as_it_was_and_count_its_bytes(void **state)
{
	struct image_config config = good(WHOLE);
	const struct image_platform platforms[] = {
		{ .digest = "d", .name = "", .config = "c", .run = &config },
		{ .digest = "e", .name = "", .config = "c", .run_problem = "is none" },
		{ .digest = "f", .name = "", .config = "c" },
	};
	struct image_facts draft = {
		.host = "h", .repository = "r", .digest = "d", .platforms = platforms, .platform_count = 3
	};
	struct image_platform bare[COUNT(platforms)];

	(void)state;
	auto_image_facts struct image_facts *facts = image_facts_new(&draft);
	memcpy(bare, platforms, sizeof(bare));
	bare[0].run = NULL;
	draft.platforms = bare;
	auto_image_facts struct image_facts *without = image_facts_new(&draft);
	/* nothing is borrowed any more */
	teardown(NULL);
	is_whole(facts->platforms[0].run);
	assert_null(facts->platforms[0].run_problem);
	assert_null(facts->platforms[1].run);
	assert_string_equal(facts->platforms[1].run_problem, "is none");
	assert_null(facts->platforms[2].run);
	assert_null(facts->platforms[2].run_problem);
	assert_true(facts->bytes >=
			without->bytes + sizeof(config) + strlen("1000:1000") + 15 * sizeof(char *));
	for (size_t i = 0; i < 3; i++)
		assert_null(without->platforms[i].run);
}

#define CONFIG_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONFIG_TEST(reads_all_that_says_how_an_image_starts),
		CONFIG_TEST(what_is_not_there_is_empty),
		CONFIG_TEST(names_what_is_wrong),
		CONFIG_TEST(a_config_cut_anywhere_is_refused),
		CONFIG_TEST(each_list_has_its_bound),
		CONFIG_TEST(the_users_and_the_folders_texts_have_theirs),
		CONFIG_TEST(facts_keep_it_as_it_was_and_count_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
