/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook/handoff.h"

#include "base/own.h"
#include "webhook/report.h"

#include <string.h>

/* far above any chain of certificates */
#define CERT_MAX 65536

void handoff_init(struct handoff *h)
{
	*h = (struct handoff){ .cert = BUF_MAX(CERT_MAX), .key = SECRET_NONE };
	pthread_mutex_init(&h->lock, NULL);
	verdicts_init(&h->verdicts);
}

void handoff_clear(struct handoff *h)
{
	catalog_unref(h->catalog);
	policy_set_unref(h->policies);
	buf_clear(&h->cert);
	secret_clear(&h->key);
	while (h->notices)
		notice_free(handoff_take_notice(h));
	verdicts_clear(&h->verdicts);
	pthread_mutex_destroy(&h->lock);
}

void handoff_give_catalog(struct handoff *h, struct catalog *catalog)
{
	pthread_mutex_lock(&h->lock);
	struct catalog *old = h->catalog;
	h->catalog = catalog_ref(catalog);
	pthread_mutex_unlock(&h->lock);
	catalog_unref(old);
}

struct catalog *handoff_take_catalog(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	struct catalog *catalog = take(&h->catalog);
	pthread_mutex_unlock(&h->lock);
	return catalog;
}

void handoff_give_policies(struct handoff *h, struct policy_set *set)
{
	pthread_mutex_lock(&h->lock);
	struct policy_set *old = h->policies;
	h->policies = policy_set_ref(set);
	pthread_mutex_unlock(&h->lock);
	policy_set_unref(old);
}

struct policy_set *handoff_take_policies(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	struct policy_set *set = take(&h->policies);
	pthread_mutex_unlock(&h->lock);
	return set;
}

void handoff_give_notice(struct handoff *h, struct notice *notice)
{
	pthread_mutex_lock(&h->lock);
	bool full = h->notice_count == HANDOFF_NOTICES;
	if (full) {
		h->notices_dropped++;
	} else {
		if (h->last_notice)
			h->last_notice->next = notice;
		else
			h->notices = notice;
		h->last_notice = notice;
		h->notice_count++;
	}
	pthread_mutex_unlock(&h->lock);
	if (full)
		notice_free(notice);
}

struct notice *handoff_take_notice(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	struct notice *notice = h->notices;
	if (notice) {
		h->notices = notice->next;
		h->notice_count--;
		notice->next = NULL;
	}
	if (!h->notices)
		h->last_notice = NULL;
	pthread_mutex_unlock(&h->lock);
	return notice;
}

uint64_t handoff_notices_dropped(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	uint64_t dropped = h->notices_dropped;
	pthread_mutex_unlock(&h->lock);
	return dropped;
}

void handoff_give_cert(struct handoff *h, struct span cert, struct secret *key)
{
	pthread_mutex_lock(&h->lock);
	buf_reset(&h->cert);
	buf_add_span(&h->cert, cert);
	secret_move(&h->key, key);
	pthread_mutex_unlock(&h->lock);
}

bool handoff_take_cert(struct handoff *h, struct buf *cert, struct secret *key)
{
	pthread_mutex_lock(&h->lock);
	bool any = h->key.len > 0;
	if (any) {
		buf_reset(cert);
		buf_add_span(cert, buf_span(&h->cert));
		secret_move(key, &h->key);
	}
	pthread_mutex_unlock(&h->lock);
	return any;
}

void handoff_tell_serving(struct handoff *h, const char *fingerprint)
{
	pthread_mutex_lock(&h->lock);
	snprintf(h->serving, sizeof(h->serving), "%s", fingerprint);
	pthread_mutex_unlock(&h->lock);
}

void handoff_serving(struct handoff *h, char out[static 65])
{
	pthread_mutex_lock(&h->lock);
	memcpy(out, h->serving, sizeof(h->serving));
	pthread_mutex_unlock(&h->lock);
}

void handoff_tell_counts(struct handoff *h, struct follow_counts counts)
{
	pthread_mutex_lock(&h->lock);
	h->counts = counts;
	pthread_mutex_unlock(&h->lock);
}

struct follow_counts handoff_counts(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	struct follow_counts counts = h->counts;
	pthread_mutex_unlock(&h->lock);
	return counts;
}

void handoff_tell_failed(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	h->failed = true;
	pthread_mutex_unlock(&h->lock);
}

bool handoff_failed(struct handoff *h)
{
	pthread_mutex_lock(&h->lock);
	bool failed = h->failed;
	pthread_mutex_unlock(&h->lock);
	return failed;
}
