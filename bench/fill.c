/* SPDX-License-Identifier: ISC */
/*
 * fill DIR COUNT [SIZE] - put so many messages into a spool, many in a
 * transaction
 *
 *   Each has SIZE bytes; or without it what a site sends: most have 1 to 4 KB,
 *   some more, a few much more, the same in each run. The spool's settings are
 *   made to allow as much as is wanted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "spool/spool.h"

enum {
	AT_ONCE = 1000,
	PATIENCE_MS = 60 * 1000,
	SUPPLY_LEN = 512 << 10,
	LINE_LEN = 76,
	RECORDS_LEN = 4096, /* of a message, beside its text; or less */
	MAIL_BYTES_MAX = 50 << 20,
};

/* Of so many messages in a thousand, sizes up to so many bytes. */
static const struct {
	unsigned int upto;
	unsigned int size_min;
	unsigned int size_max;
} sizes[] = {
    {600, 1000, 2000},
    {950, 2000, 4000},
    {995, 4000, 30000},
    {1000, 30000, 200000},
};

static char supply[SUPPLY_LEN];
static size_t fixed_size; /* 0: as a site sends */

/* ---- what is put --------------------------------------------------- */

static unsigned int
next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

static void
make_supply(void)
{
	unsigned int seed = 1;

	for (size_t i = 0; i < SUPPLY_LEN; i++)
		supply[i] = i % LINE_LEN == LINE_LEN - 1
				? '\n'
				: (char)('0' + next_random(&seed) % 64);
}

static size_t
choose_size(unsigned int *seed)
{
	unsigned int dice = next_random(seed) % 1000;
	size_t i = 0;

	if (fixed_size > 0)
		return fixed_size;
	while (dice >= sizes[i].upto)
		i++;
	return sizes[i].size_min +
	       next_random(seed) % (sizes[i].size_max - sizes[i].size_min);
}

static int
put(struct spool *s, unsigned long number, size_t size, unsigned int *seed)
{
	struct buf header = BUF_INIT;
	struct spool_piece pieces[2];
	struct envelope e;
	char to[64];
	uint64_t id;
	size_t start = next_random(seed) % 1000 * LINE_LEN;
	int rc;

	snprintf(to, sizeof(to), "reader-%lu@example.org", number);
	buf_add_format(&header,
	    "From: Shop <shop@site.test>\nTo: %s\nSubject: Order %lu\n"
	    "Message-ID: <%lu@site.test>\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\n\n",
	    to, number, number);
	pieces[0] = (struct spool_piece){header.data, header.len};
	pieces[1] = (struct spool_piece){supply + start, size};
	envelope_init(&e);
	envelope_set_sender(&e, "shop@site.test", strlen("shop@site.test"));
	envelope_add_recipient(&e, to, strlen(to));
	e.submitted_ms = clock_wall_ms();
	e.text_len = header.len + size;
	rc = spool_put(s, &e, pieces, 2, e.submitted_ms, &id);
	envelope_release(&e);
	buf_release(&header);
	return rc;
}

static int
put_some(struct spool *s, unsigned long first, unsigned long count)
{
	unsigned int seed = (unsigned int)first;
	uint64_t need = 0;
	size_t lens[AT_ONCE];
	int rc;

	for (unsigned long i = 0; i < count; i++) {
		lens[i] = choose_size(&seed);
		need += lens[i] + RECORDS_LEN;
	}
	rc = spool_begin(s, SPOOL_WRITE, need, clock_boot_ms() + PATIENCE_MS);
	if (rc < 0)
		return rc;
	for (unsigned long i = 0; rc == 0 && i < count; i++)
		rc = put(s, first + i, lens[i], &seed);
	if (rc == 0)
		return spool_commit(s);
	spool_abort(s);
	return rc;
}

/* ---- the spool ----------------------------------------------------- */

static int
allow_all(struct spool *s)
{
	struct spool_settings settings;
	int rc;

	rc = spool_begin(s, SPOOL_CHANGE, 0, clock_boot_ms() + PATIENCE_MS);
	if (rc < 0)
		return rc;
	rc = spool_get_settings(s, &settings);
	settings.quota_bytes = UINT64_C(1) << 40;
	settings.message_bytes_max = MAIL_BYTES_MAX;
	settings.relay_bytes_max = 0;
	settings.is_relay_known = true;
	if (rc == 0)
		rc = spool_set_settings(s, &settings);
	if (rc == 0)
		return spool_commit(s);
	spool_abort(s);
	return rc;
}

int
main(int argc, char **argv)
{
	struct spool *s = NULL;
	unsigned long count;
	int rc;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: fill DIR COUNT [SIZE]\n");
		return 2;
	}
	count = strtoul(argv[2], NULL, 10);
	if (argc == 4)
		fixed_size = strtoul(argv[3], NULL, 10);
	if (fixed_size > SUPPLY_LEN / 2) {
		fprintf(stderr, "fill: at most %d bytes\n", SUPPLY_LEN / 2);
		return 2;
	}
	make_supply();
	rc = spool_open(argv[1], &s);
	if (rc == 0)
		rc = allow_all(s);
	for (unsigned long done = 0; rc == 0 && done < count; done += AT_ONCE)
		rc = put_some(
		    s, done, count - done < AT_ONCE ? count - done : AT_ONCE);
	spool_close(s);
	if (rc == 0)
		return 0;
	fprintf(stderr, "fill: %s: %s\n", argv[1], strerror(-rc));
	return 1;
}
