/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "flushctl/access.h"
#include "flushctl/reading.h"

enum { PIECE_LEN = 1 << 20 };

/* 1 while there is more; else the result of the comparison. */
static int
read_piece(struct spool *s, uint64_t id, uint32_t *chunk, struct digest *d,
    struct buf *piece)
{
	int rc = access_begin(s);

	if (rc == 0)
		rc = spool_read_text(s, id, chunk, PIECE_LEN, piece);
	if (rc >= 0)
		digest_add(d, piece->data, piece->len);
	if (rc == 0)
		rc = spool_verify(s, id, d);
	spool_abort(s);
	return rc;
}

int
reading_text(struct spool *s, uint64_t id, reading_sink_fn *sink)
{
	struct digest *d = digest_new();
	struct buf piece = BUF_INIT;
	uint32_t chunk = 0;
	int rc;

	do {
		buf_clear(&piece);
		rc = read_piece(s, id, &chunk, d, &piece);
		if (sink && piece.len > 0 && sink(piece.data, piece.len) != 0)
			rc = -ECANCELED;
	} while (rc == 1);
	buf_release(&piece);
	digest_free(d);
	return rc;
}
