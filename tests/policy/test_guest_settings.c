/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/guest_scene.h"

/* ---- what the guest loads ---- */

static void takes_the_policy_that_the_guest_would_load(void **state)
{
#define REJECT_ALL "{\"default\":[{\"type\":\"reject\"}],\"transports\":{}}"
#define ACCEPT_ALL "{\"default\":[{\"type\":\"insecureAcceptAnything\"}],\"transports\":{}}"
	static char reject[] = REJECT_ALL, accept[] = ACCEPT_ALL, bad[] = "{\"default\":[]}",
		    uri[] = "kbs:///default/security-policy/1", lookaside[] = "docker: {a.b: {lookaside: x}}",
		    store[] = "default-docker: {sigstore: 'file:///s'}";
	static const struct {
		const char *own; /* the ImagePolicy's */
		bool none;       /* no init-data at all */
		struct guest_view view;
		const char *listed;
		enum guest_verdict verdict;
		const char *words;
	} cases[] = {
		{ .none = true, .verdict = GUEST_UNKNOWN, .words = "*no init-data*" },
		{ .none = true, .own = reject, .verdict = GUEST_REFUSES, .words = "*rejects image*" },
		/* quirk: without [image] the host's kernel command line decides */
		{ .view = { .image = false }, .verdict = GUEST_UNKNOWN, .words = "*kernel command line*" },
		{ .view = { .image = true },
				.verdict = GUEST_ACCEPTS,
				.words = "*no policy.json: it accepts every*" },
		{ .view = { .image = true, .policy = reject },
				.verdict = GUEST_REFUSES,
				.words = "*rejects*" },
		{ .view = { .image = true, .policy = accept }, .verdict = GUEST_ACCEPTS, .words = "*" },
		{ .own = accept,
				.view = { .image = true, .policy = reject },
				.verdict = GUEST_ACCEPTS,
				.words = "*" },
		/* the URI wins over the text */
		{ .view = { .image = true, .policy = accept, .policy_uri = uri },
				.listed = reject,
				.verdict = GUEST_REFUSES,
				.words = "*rejects*" },
		{ .view = { .image = true, .policy = accept, .policy_uri = uri },
				.verdict = GUEST_UNKNOWN,
				.words = "*kbs:///default/security-policy/1, which spec.guest.resources does "
					 "not*" },
		{ .view = { .image = true, .policy = bad },
				.verdict = GUEST_REFUSES,
				.words = "Image Client error: Initialize signature validator failed: Invalid "
					 "image policy "
					 "file: *'transports' is missing*" },
		/* an unreadable lookaside configuration refuses everything, once there is a policy */
		{ .view = { .image = true, .policy = accept, .sigstore = lookaside },
				.verdict = GUEST_REFUSES,
				.words = "*Invalid simple signing sigstore config: *'sigstore' alone*" },
		{ .view = { .image = true, .sigstore = lookaside }, .verdict = GUEST_ACCEPTS, .words = "*" },
		{ .view = { .image = true, .policy = accept, .sigstore = store },
				.verdict = GUEST_ACCEPTS,
				.words = "*" },
	};
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *listed = cases[i].listed
				? json_pack("[{s:s,s:s}]", "uri", uri, "text", cases[i].listed)
				: NULL;
		const struct policy_guest settings = { .policy = cases[i].own, .resources = listed };
		auto_free char *what = xasprintf("case %zu", i);

		check(what, &settings, cases[i].none ? NULL : &cases[i].view, APP_NAME ":1", &image->draft,
				cases[i].verdict, cases[i].words);
	}
}

/* ---- mirrors ---- */

static void judges_every_place_that_the_guest_may_pull_from(void **state)
{
	static char policy[] = "{\"default\":[{\"type\":\"reject\"}],\"transports\":{\"docker\":{"
			       "\"" HOST "\":[{\"type\":\"insecureAcceptAnything\"}],"
			       "\"lax.example\":[{\"type\":\"insecureAcceptAnything\"}],"
			       "\"docker.io\":[{\"type\":\"insecureAcceptAnything\"}]}}}";
	static const struct {
		const char *toml, *text;
		enum guest_verdict verdict;
		const char *words;
	} cases[] = {
		{ "", APP_NAME ":1", GUEST_ACCEPTS, "by scope*" },
		{ "[[registry]]\nprefix=\"" HOST "\"\nmirror=[{location=\"lax.example/m\"}]", APP_NAME ":1",
				GUEST_ACCEPTS,
				"from lax.example/m/" REPOSITORY
				":1, place 1 of 2: accepted: *; from " APP_NAME
				":1, place 2 of 2: accepted: *" },
		/* the scope has to be that of the mirror */
		{ "[[registry]]\nprefix=\"" HOST "\"\nmirror=[{location=\"m.example\"}]", APP_NAME ":1",
				GUEST_REFUSES,
				"from m.example/" REPOSITORY
				":1, place 1 of 2: refused: *; *place 2 of 2: accepted*" },
		/* a lax mirror of a name that is refused */
		{ "[[registry]]\nprefix=\"strict.example\"\nmirror=[{location=\"lax.example\"}]",
				"strict.example/a:1", GUEST_REFUSES,
				"*place 1 of 2: accepted*; *place 2 of 2: refused*" },
		{ "[[registry]]\nprefix=\"strict.example\"\nlocation=\"lax.example\"", "strict.example/a:1",
				GUEST_ACCEPTS, "by scope \"lax.example\"*" },
		{ "[[registry]]\nprefix=\"" HOST "\"\nblocked=true", APP_NAME ":1", GUEST_REFUSES,
				"*Image " APP_NAME ":1 is blocked by registry rule.*" },
		{ "unqualified-search-registries=[\"docker.io\",\"x.example\"]", "busybox", GUEST_REFUSES,
				"from docker.io/library/busybox:latest, place 1 of 2: accepted*; from "
				"x.example/busybox:latest, place 2 of 2: refused*" },
		{ "[[registry]]\nblocked=true", APP_NAME ":1", GUEST_REFUSES,
				"*both location and prefix are empty*" },
		{ "x = ", APP_NAME ":1", GUEST_REFUSES, "*cannot read its registry configuration*" },
		{ NULL, APP_NAME ":1", GUEST_UNKNOWN,
				"*kbs:///default/registry/1, which spec.guest.resources does*" },
	};
	static char uri[] = "kbs:///default/registry/1";
	struct guest_view view = { .image = true, .policy = policy, .registries_uri = uri };
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		auto_json json_t *listed = cases[i].toml
				? json_pack("[{s:s,s:s}]", "uri", uri, "text", cases[i].toml)
				: NULL;
		const struct policy_guest settings = { .resources = listed };

		check(cases[i].toml ? cases[i].toml : "not listed", &settings, &view, cases[i].text,
				&image->draft, cases[i].verdict, cases[i].words);
	}
	/* the table wins over the URI */
	view.registries = json_object();
	check("inline", &(struct policy_guest){ .policy = NULL }, &view, APP_NAME ":1", &image->draft,
			GUEST_ACCEPTS, "*");
	json_decref(view.registries);
}

static void does_not_know_the_signatures_of_a_mirror(void **state)
{
	static char toml[] = "[[registry]]\nprefix=\"" HOST "\"\nlocation=\"m.example\"";
	auto_free char *policy =
			scene_with_keys("{\"default\":[" COSIGN(KEY SAME_REPO) "],\"transports\":{}}");
	struct guest_view view = { .image = true, .policy = policy, .registries_uri = toml };
	auto_json json_t *listed = json_pack("[{s:s,s:s}]", "uri", toml, "text", toml);
	const struct policy_guest settings = { .resources = listed };
	auto_scene_image struct scene_image *image = scene_image_new();

	(void)state;
	scene_tag(image, BUILD, IMAGE, APP_NAME, NULL);
	check("mirror", &settings, &view, APP_NAME ":1", &image->draft, GUEST_UNKNOWN,
			"*looks for signatures where it pulls from; what m.example/" REPOSITORY
			" has is not known*just that*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_policy_that_the_guest_would_load),
		cmocka_unit_test(judges_every_place_that_the_guest_may_pull_from),
		cmocka_unit_test(does_not_know_the_signatures_of_a_mirror),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
