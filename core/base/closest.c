/* SPDX-License-Identifier: Apache-2.0 */
#include "base/closest.h"

#include <stdint.h>
#include <string.h>

#define ROW (CLOSEST_WORD_MAX + 1)

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance with swaps of neighbours (optimal string alignment), on three rows of the table. */
size_t closest_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	size_t rows[3][ROW];

	if (la > CLOSEST_WORD_MAX || lb > CLOSEST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = least(change, least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *closest_word(const char *wrong, const char *const *known)
{
	/* a third of the letters may be wrong; of a short word one */
	size_t best = strlen(wrong) / 3;
	const char *word = NULL;

	if (!best)
		best = 1;
	if (best > 4)
		best = 4;
	for (; *known; known++) {
		size_t distance = closest_distance(wrong, *known);
		/* nothing in common is no likeness, however short the words */
		if (distance < strlen(*known) && (distance < best || (!word && distance == best))) {
			best = distance;
			word = *known;
		}
	}
	return word;
}
