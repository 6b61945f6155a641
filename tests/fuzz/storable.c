/* SPDX-License-Identifier: ISC */
#include "fuzz/storable.h"
#include "fuzz/fuzz.h"
#include "spool/record.h"

void
storable_check(const struct envelope *e, struct buf *out)
{
	struct buf bytes = BUF_INIT;
	struct buf again = BUF_INIT;
	struct envelope decoded;

	record_encode_envelope(e, &bytes);
	FUZZ_CHECK(
	    record_decode_envelope(bytes.data, bytes.len, &decoded) == 0);
	record_encode_envelope(&decoded, &again);
	FUZZ_CHECK(fuzz_is_equal(&again, bytes.data, bytes.len));
	envelope_release(&decoded);
	buf_add(out, bytes.data, bytes.len);
	buf_release(&bytes);
	buf_release(&again);
}
