/* SPDX-License-Identifier: ISC */
/*
 * Lists of addresses as people, programs and attackers write them. What is
 * found can stand in an SMTP command, and is found again as it is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mail/address.h"
#include "mail/envelope.h"

struct found {
	struct buf last;
	size_t count;
};

static void
note(void *context, const char *address, size_t len)
{
	struct found *f = context;

	buf_clear(&f->last);
	buf_add(&f->last, address, len);
	f->count++;
}

/* A list that holds one address holds nothing else. */
static void
check_again(const char *list, size_t len, const char *address, size_t want_len)
{
	struct found again = {.last = BUF_INIT};
	char *exact = fuzz_copy(list, len);

	FUZZ_CHECK(address_parse_list(exact, len, note, &again) == 0);
	FUZZ_CHECK(again.count == 1);
	FUZZ_CHECK(fuzz_is_equal(&again.last, address, want_len));
	buf_release(&again.last);
	free(exact);
}

static void
check_found(void *context, const char *address, size_t len)
{
	struct buf angle = BUF_INIT;
	size_t *count = context;

	FUZZ_CHECK(len > 0 && len <= ENVELOPE_ADDRESS_MAX);
	FUZZ_CHECK(!fuzz_has_control(address, len));
	FUZZ_CHECK(address_is_valid(address, len));
	check_again(address, len, address, len);
	buf_add_char(&angle, '<');
	buf_add(&angle, address, len);
	buf_add_char(&angle, '>');
	check_again(angle.data, angle.len, address, len);
	buf_release(&angle);
	++*count;
}

/* Outside of quotes nothing may stand that SMTP reads as something else. */
static void
check_valid(const char *address, size_t len)
{
	bool is_quoted = false;

	FUZZ_CHECK(len > 0 && len <= ENVELOPE_ADDRESS_MAX);
	FUZZ_CHECK(!fuzz_has_control(address, len));
	for (size_t i = 0; i < len; i++) {
		if (is_quoted && address[i] == '\\')
			i++;
		else if (address[i] == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted)
			FUZZ_CHECK(!strchr(" <>,;()\\", address[i]));
	}
	FUZZ_CHECK(!is_quoted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	char *exact = fuzz_copy(in.at, in.len);
	size_t count = 0;
	int rc;

	if (address_is_valid(exact, in.len))
		check_valid(exact, in.len);
	rc = address_parse_list(exact, in.len, check_found, &count);
	FUZZ_CHECK(rc == 0 || rc == -EINVAL);
	FUZZ_CHECK(count <= in.len);
	free(exact);
	return 0;
}
