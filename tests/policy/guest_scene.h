/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the guest's verdict share: requirements as JSON in which @build stands for a key, and the question itself. */
#ifndef COCOON_TESTS_POLICY_GUEST_SCENE_H
#define COCOON_TESTS_POLICY_GUEST_SCENE_H

#include "tests/policy/judge_scene.h"

#define APP_NAME        HOST "/" REPOSITORY

#define COSIGN(members) "{\"type\":\"sigstoreSigned\"," members "}"
#define KEY             "\"keyData\":@build"
#define SAME_REPO       ",\"signedIdentity\":{\"type\":\"matchRepository\"}"
#define IDENTITY(rest)  ",\"signedIdentity\":{\"type\":" rest "}"
static inline void check(const char *what, const struct policy_guest *settings, const struct guest_view *view,
		const char *text, const struct image_facts *facts, enum guest_verdict wanted,
		const char *words)
{
	static const char *const verdicts[] = { "accepts", "refuses", "unknown" };
	auto_buf struct buf why = BUF_MAX(65536);
	struct oci_name name;

	assert_int_equal(oci_name_parse(text, &name, NULL), 0);
	enum guest_verdict verdict = guest_decide(settings, view, text, &name, facts, NULL, &why);
	if (verdict != wanted || !span_glob(span_of(words), buf_span(&why)))
		fail_msg("%s (%s): %s, not %s: %s\nwanted: %s", what, text, verdicts[verdict],
				verdicts[wanted], buf_text(&why), words);
	assert_true(span_is_utf8(buf_span(&why)));
}

#endif
