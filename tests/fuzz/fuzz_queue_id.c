/* SPDX-License-Identifier: ISC */
/*
 * Names of messages: the first eight bytes are a number, the rest is a name
 * that somebody typed.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "fuzz/fuzz.h"
#include "mail/queue_id.h"

static void
check_number(uint64_t id)
{
	char text[QUEUE_ID_TEXT_MAX];
	uint64_t parsed = 0;
	size_t len;

	memset(text, 0x7f, sizeof(text));
	FUZZ_CHECK(queue_id_format(id, text) == text);
	len = strnlen(text, sizeof(text));
	FUZZ_CHECK(len > 0 && len < sizeof(text));
	FUZZ_CHECK(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == len);
	FUZZ_CHECK(text[0] != '0' || len == 1);
	if (id == 0)
		FUZZ_CHECK(queue_id_parse(text, &parsed) == -EINVAL);
	else
		FUZZ_CHECK(queue_id_parse(text, &parsed) == 0 && parsed == id);
}

/* What is taken for an id is what is shown for it, but for case and zeros. */
static void
check_name(char *name)
{
	char text[QUEUE_ID_TEXT_MAX];
	uint64_t id = 12345;
	int rc = queue_id_parse(name, &id);

	if (rc < 0) {
		FUZZ_CHECK(rc == -EINVAL && id == 12345);
		return;
	}
	FUZZ_CHECK(id != 0);
	for (char *p = name; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	name += strspn(name, "0");
	FUZZ_CHECK(strcmp(queue_id_format(id, text), name) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	uint64_t id = 0;
	struct buf name = BUF_INIT;
	char *exact;

	for (int i = 0; i < 8; i++)
		id = id << 8 | fuzz_byte(&in);
	check_number(id);
	buf_add(&name, in.at, in.len);
	buf_add_char(&name, '\0');
	exact = fuzz_copy(name.data, name.len);
	check_name(exact);
	free(exact);
	buf_release(&name);
	return 0;
}
