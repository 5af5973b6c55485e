/* SPDX-License-Identifier: Apache-2.0 */
/* Resources from files, keys of sealed secrets from a folder, files of credentials. */
#include "guest/credential.h"
#include "tests/guest/scene.h"

#include <pthread.h>

static char *inside(const struct scene *scene, const char *name)
{
	return xasprintf("%s/%s", scene->folder, name);
}

static void make_folder(const struct scene *scene, const char *name)
{
	auto_free char *path = inside(scene, name);

	assert_int_equal(mkdir(path, 0700), 0);
}

static void remove_inside(const struct scene *scene, const char *name)
{
	auto_free char *path = inside(scene, name);

	if (unlink(path) < 0)
		rmdir(path);
}

static void assert_resource(struct hub *hub, const char *uri, const char *wanted)
{
	auto_secret struct secret bytes = SECRET_NONE;
	struct err err = ERR_NONE;

	must(hub_resource(hub, span_of(uri), &bytes, &err), &err);
	assert_true(secret_is(&bytes, span_of(wanted)));
}

/* ---- offline files ---- */

static void reads_the_files_anew_and_lets_the_later_one_win(void **state)
{
	auto_json json_t *store = json_pack("{s:s, s:s}", "a/b/c", "Zmlyc3Q=", "d/e/f", "");
	auto_secret struct secret bytes = SECRET_NONE;
	struct err err = ERR_NONE;
	struct scene scene;

	(void)state;
	scene_open(&scene, store, false);
	auto_free char *second = inside(&scene, "second.json"),
		       *list = xasprintf("/nowhere.json,,%s", second);
	config_clear(&scene.config);
	scene.config.kbc = CONFIG_OFFLINE_FS_KBC;
	scene.config.offline_files = xstrdup(list);
	assert_resource(scene.hub, "kbs:///a/b/c", "first");
	assert_resource(scene.hub, "kbs:///d/e/f", "");
	scene_write(second, SPAN_LIT("{\"a/b/c\":\"c2Vjb25k\"}"));
	assert_resource(scene.hub, "kbs://host:1/a/b/c", "second");
	scene_write(second, SPAN_LIT("{\"a/b/c\":1}"));
	assert_int_equal(hub_resource(scene.hub, SPAN_LIT("kbs:///d/e/f"), &bytes, &err), -1);
	assert_int_equal(err.kind, ERR_FORMAT);
	unlink(second);
	assert_int_equal(hub_resource(scene.hub, SPAN_LIT("kbs:///x/y/z"), &bytes, &err), -1);
	assert_string_equal(err.text, "offline-fs-kbc: resource not found x/y/z");
	config_clear(&scene.config);
	scene_close(&scene);
}

struct reader {
	struct hub *hub;
	unsigned failed;
};

static void *read_many(void *ctx)
{
	struct reader *reader = ctx;

	for (int i = 0; i < 50; i++) {
		auto_secret struct secret bytes = SECRET_NONE;
		if (hub_resource(reader->hub, SPAN_LIT("kbs:///a/b/c"), &bytes, NULL) < 0 ||
				!secret_is(&bytes, SPAN_LIT("first")))
			reader->failed++;
	}
	return NULL;
}

static void serves_many_threads_at_once(void **state)
{
	auto_json json_t *store = json_pack("{s:s}", "a/b/c", "Zmlyc3Q=");
	struct reader readers[8];
	pthread_t threads[8];
	struct scene scene;

	(void)state;
	scene_open(&scene, store, false);
	for (size_t i = 0; i < COUNT(readers); i++) {
		readers[i] = (struct reader){ .hub = scene.hub };
		assert_int_equal(pthread_create(&threads[i], NULL, read_many, &readers[i]), 0);
	}
	for (size_t i = 0; i < COUNT(readers); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(readers[i].failed, 0);
	}
	scene_close(&scene);
}

static void needs_a_client_for_a_key_broker(void **state)
{
	const struct config config = { .kbc = CONFIG_CC_KBC };
	const struct hub_options options = { .config = &config, .clock = &clock_real };
	struct hub *hub = NULL;

	(void)state;
	assert_int_equal(hub_open(&options, &hub, NULL), -1);
	assert_null(hub);
}

/* ---- keys of sealed secrets that lie in a folder ---- */

static const json_t *case_of(const json_t *doc, const char *name)
{
	const json_t *entry = NULL;
	size_t i = 0;

	json_array_foreach (json_object_get(doc, "cases"), i, entry)
		if (!strcmp(json_text_at(entry, "name", NULL), name))
			return entry;
	fail_msg("no case '%s'", name);
	return NULL;
}

static int unseal(const struct scene *scene, const json_t *entry, struct secret *out, struct err *err)
{
	return hub_unseal(scene->hub, span_of(json_text_at(entry, "input", NULL)), out, err);
}

/* The part between the first two dots of a sealed string says which kid a case has. */
static char *kid_of(const json_t *entry)
{
	struct span rest = span_of(json_text_at(entry, "input", NULL)), part = SPAN_NONE;
	auto_buf struct buf header = BUF_MAX(4096);
	auto_json json_t *doc = NULL;
	struct err err = ERR_NONE;

	assert_true(span_next(&rest, '.', &part) && span_next(&rest, '.', &part));
	must(b64url_decode(part, &header, &err), &err);
	must(json_read(buf_span(&header), 4096, &doc, &err), &err);
	return xstrdup(json_text_at(doc, "kid", NULL));
}

static void finds_a_key_in_the_folder_and_never_outside_of_it(void **state)
{
	auto_json json_t *keys = scene_recording("sealed/signing-keys.json"),
			 *doc = scene_recording("sealed/unseal.json");
	const json_t *entry = case_of(doc, "kid-relative-file"), *parent = case_of(doc, "kid-parent-path");
	auto_free char *kid = kid_of(entry), *jwk = json_text(json_object_get(keys, "signing_jwk"), false);
	auto_secret struct secret plain = SECRET_NONE;
	struct err err = ERR_NONE;
	struct scene scene;

	(void)state;
	scene_open(&scene, json_object_get(keys, "resources"), false);
	assert_int_equal(unseal(&scene, entry, &plain, &err), -1);
	assert_non_null(strstr(err.text, "KID is invalid. Must be a KBS URI or a credential path"));
	make_folder(&scene, "sealed-secret");
	assert_int_equal(unseal(&scene, entry, &plain, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	auto_free char *name = xasprintf("sealed-secret/%s", kid), *path = inside(&scene, name);
	auto_free char *outside = inside(&scene, "key");
	scene_write(outside, span_of(jwk));
	assert_int_equal(symlink("../key", path), 0);
	assert_int_equal(unseal(&scene, entry, &plain, &err), -1);
	assert_non_null(strstr(err.text, "Invalid KID Key Path"));
	unlink(path);
	scene_write(path, span_of(jwk));
	must(unseal(&scene, entry, &plain, &err), &err);
	assert_int_equal(unseal(&scene, parent, &plain, &err), -1);
	assert_true(err.kind == ERR_DENIED || err.kind == ERR_NOT_FOUND);
	unlink(path);
	unlink(outside);
	remove_inside(&scene, "sealed-secret");
	scene_close(&scene);
}

/* ---- credentials ---- */

static void writes_credentials_for_their_owner_alone(void **state)
{
	auto_json json_t *store = json_pack("{s:s}", "a/b/c", "Zmlyc3Q=");
	struct config_credential credential = { .uri = (char[]){ "kbs:///a/b/c" } };
	auto_buf struct buf bytes = BUF_MAX(100);
	struct err err = ERR_NONE;
	struct scene scene;
	struct stat info;

	(void)state;
	scene_open(&scene, store, false);
	make_folder(&scene, "kbs");
	auto_free char *path = inside(&scene, "kbs/kms-credential/aliyun/config.toml");
	credential.path = path;
	scene.config.credentials = &credential;
	scene.config.credential_count = 1;
	must(hub_credentials(scene.hub, &err), &err);
	/* once more: replaced */
	must(hub_credentials(scene.hub, &err), &err);
	must(fs_read(path, &bytes, &err), &err);
	assert_string_equal(buf_text(&bytes), "first");
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	/* as cdh.toml has to name it: below this guest's own root */
	credential.path = (char[]){ HUB_ROOT "/kbs/kms-credential/aliyun/other.toml" };
	must(hub_credentials(scene.hub, &err), &err);
	auto_free char *other = inside(&scene, "kbs/kms-credential/aliyun/other.toml");
	assert_int_equal(stat(other, &info), 0);
	credential.path = (char[]){ HUB_ROOT "/kbs/../outside" };
	assert_int_equal(hub_credentials(scene.hub, &err), -1);
	assert_int_equal(err.kind, ERR_DENIED);
	credential.path = path;
	credential.uri = (char[]){ "kbs:///no/such/thing" };
	assert_int_equal(hub_credentials(scene.hub, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	remove_inside(&scene, "kbs/kms-credential/aliyun/other.toml");
	remove_inside(&scene, "kbs/kms-credential/aliyun/config.toml");
	remove_inside(&scene, "kbs/kms-credential/aliyun");
	remove_inside(&scene, "kbs/kms-credential");
	remove_inside(&scene, "kbs");
	scene_close(&scene);
}

static void refuses_paths_that_lead_out_of_the_folder(void **state)
{
	static const char *const paths[] = { "", "/", "/etc/config.toml", "%s", "%s/", "%s-x/y",
		"%s/../../config.toml", "%s/kms-credential/../../../config.toml",
		"%s/kms-credential/./config.toml", "%s//a", "%s/a/", "%s/..", "%s/.", "%s/link/a",
		"%s/a/link/b" };
	auto_secret struct secret bytes = SECRET_NONE;
	struct err err = ERR_NONE;
	struct scene scene;

	(void)state;
	scene_open(&scene, NULL, false);
	make_folder(&scene, "kbs");
	make_folder(&scene, "kbs/a");
	auto_free char *folder = inside(&scene, "kbs"), *link = inside(&scene, "kbs/link");
	auto_free char *deep = inside(&scene, "kbs/a/link");
	assert_int_equal(symlink("/tmp", link), 0);
	assert_int_equal(symlink("..", deep), 0);
	must(secret_from_span(&bytes, SPAN_LIT("x"), &err), &err);
	for (size_t i = 0; i < COUNT(paths); i++) {
		bool holds = !strncmp(paths[i], "%s", 2);
		auto_free char *path = xasprintf("%s%s", holds ? folder : "", paths[i] + (holds ? 2 : 0));
		if (credential_write(folder, path, &bytes, &err) == 0)
			fail_msg("'%s' is taken", path);
		assert_int_equal(err.kind, ERR_DENIED);
		assert_true(!strncmp(err.text, "illegal path to put credential : ", 33));
	}
	remove_inside(&scene, "kbs/a/link");
	remove_inside(&scene, "kbs/link");
	remove_inside(&scene, "kbs/a");
	remove_inside(&scene, "kbs");
	scene_close(&scene);
}

/* A link in the place of the file is replaced, and what it names stays. */
static void never_writes_through_a_link(void **state)
{
	auto_secret struct secret bytes = SECRET_NONE;
	auto_buf struct buf kept = BUF_MAX(100);
	struct err err = ERR_NONE;
	struct scene scene;
	struct stat info;

	(void)state;
	scene_open(&scene, NULL, false);
	make_folder(&scene, "kbs");
	auto_free char *folder = inside(&scene, "kbs"), *path = inside(&scene, "kbs/a");
	auto_free char *other = inside(&scene, "other");
	scene_write(other, SPAN_LIT("kept"));
	assert_int_equal(symlink("../other", path), 0);
	must(secret_from_span(&bytes, SPAN_LIT("new"), &err), &err);
	must(credential_write(folder, path, &bytes, &err), &err);
	assert_int_equal(lstat(path, &info), 0);
	assert_true(S_ISREG(info.st_mode));
	must(fs_read(other, &kept, &err), &err);
	assert_string_equal(buf_text(&kept), "kept");
	unlink(other);
	unlink(path);
	remove_inside(&scene, "kbs");
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_files_anew_and_lets_the_later_one_win),
		cmocka_unit_test(serves_many_threads_at_once),
		cmocka_unit_test(needs_a_client_for_a_key_broker),
		cmocka_unit_test(finds_a_key_in_the_folder_and_never_outside_of_it),
		cmocka_unit_test(writes_credentials_for_their_owner_alone),
		cmocka_unit_test(refuses_paths_that_lead_out_of_the_folder),
		cmocka_unit_test(never_writes_through_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
