/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: none; this one has a bug on purpose, a write beyond a buffer behind a magic word. fuzz/run.sh
 * runs it last: a machinery that does not find it would find nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t word[] = { 'c', 'o', 'c', 'o', 'o', 'n' };
	volatile uint8_t *room = malloc(sizeof(word));
	size_t same = 0;

	if (!room)
		return 0;
	while (same < size && same < sizeof(word) && data[same] == word[same])
		same++;
	if (same == sizeof(word))
		room[same] = 1;
	free((void *)(uintptr_t)room);
	return 0;
}
