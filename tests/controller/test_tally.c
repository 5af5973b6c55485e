/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/tally.h"

#include "tests/profile/scene.h"

static void counts_what_becomes_of_gated_pods_and_their_policies(void **state)
{
	static const struct tally_state counts = {
		.gates = { .lifter = { .lifted = 7, .refused = 1 },
				.preparer = { .prepared = 5, .refused = 2, .failed = 3, .waiting = 4 },
				.facts = { .hits = 10, .images = 6 } },
		.leads = true,
	};
	static const char *const lines[] = {
		"\ncocoon_controller_lifts_total{result=\"lifted\"} 7\n",
		"\ncocoon_controller_agent_policies_total{result=\"prepared\"} 5\n",
		"\ncocoon_controller_agent_policies_total{result=\"refused\"} 2\n",
		"\ncocoon_controller_agent_policies_total{result=\"failed\"} 3\n",
		"\ncocoon_controller_agent_policies_waiting 4\n",
		"\ncocoon_facts_total{event=\"hit\"} 10\n",
		"\ncocoon_facts_images 6\n",
		"\ncocoon_controller_leads 1\n",
	};
	auto_buf struct buf out = BUF_MAX(65536);

	(void)state;
	tally_format(&counts, &out);
	for (size_t i = 0; i < COUNT(lines); i++)
		assert_holds(buf_text(&out), lines[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_what_becomes_of_gated_pods_and_their_policies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
