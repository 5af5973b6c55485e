/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of tee/attester share; nobody else includes this.
 *
 * A kind is a table of functions. They are called with the attester's lock held, which the event log holds, too, while
 * register and log disagree, so that no evidence is made of that moment.
 */
#ifndef COCOON_TEE_ATTESTER_OWN_H
#define COCOON_TEE_ATTESTER_OWN_H

#include "tee/attester.h"

#include <pthread.h>

struct attester_ops {
	enum tee_kind kind;
	/* ERR_NOT_FOUND: no such hardware here */
	int (*probe)(struct attester *self, struct err *err);
	int (*evidence)(struct attester *self, struct span report_data, json_t **out, struct err *err);
	/* NULL: the kind cannot tell */
	int (*check_initdata)(struct attester *self, enum digest_alg alg, const unsigned char *digest,
			struct err *err);
	/* NULL: no runtime measurements; the others are there with it */
	unsigned (*map)(unsigned pcr);
	enum digest_alg alg;
	unsigned first, last; /* the indexes of its registers */
	int (*extend)(struct attester *self, unsigned index, const unsigned char *digest, struct err *err);
	int (*read)(struct attester *self, unsigned index, unsigned char *out, struct err *err);
};

struct attester {
	const struct attester_ops *ops;
	pthread_mutex_t lock;
	bool sample_device;
	char *tsm, *tdx, *ccel, *eventlog;
	char *tpm; /* NULL: one of the usual devices */
	uint32_t ak_handle;
};

extern const struct attester_ops attester_tdx, attester_snp, attester_tpm, attester_sample;

/* Evidence of the sample kinds: {"svn":"1","report_data":"…"}. */
json_t *attester_sample_evidence(const char *svn, struct span report_data)
		__attribute__((nonnull, returns_nonnull, warn_unused_result));

/* For the event log, which holds the lock over several of these. */
void attester_lock(struct attester *attester) __attribute__((nonnull));
void attester_unlock(struct attester *attester) __attribute__((nonnull));

#endif
