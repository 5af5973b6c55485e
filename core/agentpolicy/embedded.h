/* SPDX-License-Identifier: Apache-2.0 */
/* Files of this folder as texts: the build writes them (tools/embed.awk). */
#ifndef COCOON_AGENTPOLICY_EMBEDDED_H
#define COCOON_AGENTPOLICY_EMBEDDED_H

extern const char agent_rules_text[];    /* rules, one after the other, without comments */
extern const char agent_settings_text[]; /* settings.json */

#endif
