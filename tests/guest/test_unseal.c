/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed strings that the recorded hub was given: ours opens and refuses the same, but where it is stricter on purpose. */
#include "tests/guest/scene.h"

#include <sys/mman.h>
#include <unistd.h>

struct exception {
	const char *name, *why;
};

/* Taken by the other hub and refused here. */
static const struct exception stricter[] = {
	{ "header-b64-false", "another form of payload, which nobody writes" },
	{ "header-crit", "an extension that is critical must be known" },
	{ "header-crit-unknown", "an extension that is critical must be known" },
	{ "jwk-alg-es384", "a key is used for what it is made for alone" },
	{ NULL, NULL },
};

static const char *exception_of(const char *name)
{
	for (const struct exception *at = stricter; at->name; at++)
		if (!strcmp(at->name, name))
			return at->why;
	return NULL;
}

static void unseal_one(struct hub *hub, const json_t *entry)
{
	const char *name = json_text_at(entry, "name", NULL), *plain = json_text_at(entry, "plain", NULL);
	bool expected = plain && !exception_of(name);
	auto_buf struct buf wanted = BUF_MAX(SCENE_MAX);
	auto_secret struct secret opened = SECRET_NONE;
	struct err err = ERR_NONE;

	must(b64_decode(span_of(plain), &wanted, &err), &err);
	bool ours = hub_unseal(hub, span_of(json_text_at(entry, "input", NULL)), &opened, &err) == 0;
	if (ours != expected)
		fail_msg("%s: %s", name, ours ? "is opened" : err.text);
	if (!ours && err.kind == ERR_USAGE)
		fail_msg("%s: the caller is blamed: %s", name, err.text);
	if (ours && !secret_is(&opened, buf_span(&wanted)))
		fail_msg("%s: other bytes", name);
}

static void replay(const char *recording, bool skip, size_t count)
{
	auto_json json_t *keys = scene_recording("sealed/signing-keys.json"),
			 *doc = scene_recording(recording);
	const json_t *entry = NULL;
	struct scene scene;
	size_t i = 0;

	scene_open(&scene, json_object_get(keys, "resources"), false);
	scene.config.skip_verification = skip;
	json_array_foreach (json_object_get(doc, "cases"), i, entry)
		unseal_one(scene.hub, entry);
	assert_int_equal(i, count);
	scene_close(&scene);
}

static void opens_what_the_recorded_hub_opens(void **state)
{
	(void)state;
	replay("sealed/unseal.json", false, 102);
}

static void opens_without_verification_what_the_recorded_hub_opens(void **state)
{
	(void)state;
	replay("sealed/unseal-skip-verification.json", true, 14);
}

/* How often the daemon's log, which is standard error, says so in the meantime. */
static size_t warnings(void)
{
	auto_buf struct buf log = BUF_MAX(SCENE_MAX);
	static const char words[] = "whose signature nobody has checked";
	struct err err = ERR_NONE;
	size_t count = 0;

	must(fs_read("/proc/self/fd/2", &log, &err), &err);
	for (const char *at = buf_text(&log); (at = strstr(at, words)); at++)
		count++;
	return count;
}

static void warns_of_each_secret_that_nobody_has_checked(void **state)
{
	auto_json json_t *doc = scene_recording("sealed/unseal-skip-verification.json");
	auto_fd int was = dup(STDERR_FILENO), file = memfd_create("log", MFD_CLOEXEC);
	const json_t *entry = NULL;
	struct scene scene;
	size_t i = 0, opened = 0;

	(void)state;
	scene_open(&scene, NULL, false);
	scene.config.skip_verification = true;
	log_set_level(LOG_WARN);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	json_array_foreach (json_object_get(doc, "cases"), i, entry) {
		auto_secret struct secret plain = SECRET_NONE;
		struct err err = ERR_NONE;
		/* the store is empty: what can be read ends there */
		assert_int_equal(hub_unseal(scene.hub, span_of(json_text_at(entry, "input", NULL)), &plain,
						 &err),
				-1);
		opened += strstr(err.text, "unseal vault secret failed") != NULL;
	}
	size_t warned = warnings();
	assert_true(dup2(was, STDERR_FILENO) >= 0);
	assert_true(opened > 0);
	assert_int_equal(warned, opened);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_the_recorded_hub_opens),
		cmocka_unit_test(opens_without_verification_what_the_recorded_hub_opens),
		cmocka_unit_test(warns_of_each_secret_that_nobody_has_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
