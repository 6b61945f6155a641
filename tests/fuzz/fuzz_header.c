/* SPDX-License-Identifier: ISC */
/*
 * The header of a message, field by field. Nothing is lost or read twice: the
 * fields and what follows them are the text.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "mail/header.h"

static void
check_name(const struct header_field *f)
{
	char *name = fuzz_copy(f->name, f->name_len + 1);

	FUZZ_CHECK(f->name == f->raw && f->name_len > 0);
	for (size_t i = 0; i < f->name_len; i++)
		FUZZ_CHECK(
		    f->name[i] > ' ' && f->name[i] <= '~' && f->name[i] != ':');
	name[f->name_len] = '\0';
	FUZZ_CHECK(header_is(f, name));
	for (size_t i = 0; i < f->name_len; i++) {
		if (name[i] >= 'a' && name[i] <= 'z')
			name[i] = (char)(name[i] - 'a' + 'A');
	}
	FUZZ_CHECK(header_is(f, name));
	name[f->name_len - 1] = '\0';
	FUZZ_CHECK(!header_is(f, name));
	free(name);
}

/* Each line of a field but the first begins with a blank. */
static void
check_folds(const struct header_field *f)
{
	struct fuzz_input rest = {f->raw, f->raw_len};

	fuzz_until(&rest, '\n');
	while (rest.len > 0) {
		FUZZ_CHECK(*rest.at == ' ' || *rest.at == '\t');
		fuzz_until(&rest, '\n');
	}
}

static void
check_value(const struct header_field *f)
{
	const char *end = f->raw + f->raw_len;
	const size_t left = (size_t)(end - f->value) - f->value_len;

	FUZZ_CHECK(f->value > f->name + f->name_len && f->value <= end);
	FUZZ_CHECK(f->value[-1] == ':');
	FUZZ_CHECK(f->value_len <= (size_t)(end - f->value));
	FUZZ_CHECK(left <= 1 && (left == 0 || end[-1] == '\n'));
}

/* A field on its own is the same field. */
static void
check_alone(const struct header_field *f)
{
	char *exact = fuzz_copy(f->raw, f->raw_len);
	struct header_cursor c = {exact, f->raw_len};
	struct header_field alone;

	FUZZ_CHECK(header_next(&c, &alone));
	FUZZ_CHECK(c.len == 0 && c.at == exact + f->raw_len);
	FUZZ_CHECK(alone.raw_len == f->raw_len);
	FUZZ_CHECK(alone.name_len == f->name_len);
	FUZZ_CHECK(alone.value_len == f->value_len);
	FUZZ_CHECK(alone.value - alone.raw == f->value - f->raw);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	char *exact = fuzz_copy(in.at, in.len);
	struct header_cursor c = {exact, in.len};
	struct header_field untouched;
	struct header_field f;
	const char *at = exact;

	memset(&f, 0xa5, sizeof(f));
	untouched = f;
	while (header_next(&c, &f)) {
		FUZZ_CHECK(f.raw == at && f.raw_len > 0);
		at += f.raw_len;
		FUZZ_CHECK(
		    c.at == at && c.len == in.len - (size_t)(at - exact));
		FUZZ_CHECK(c.len == 0 ||
			   (at[-1] == '\n' && *at != ' ' && *at != '\t'));
		check_name(&f);
		check_folds(&f);
		check_value(&f);
		check_alone(&f);
		untouched = f;
	}
	FUZZ_CHECK(c.at == at && c.len == in.len - (size_t)(at - exact));
	FUZZ_CHECK(memcmp(&f, &untouched, sizeof(f)) == 0);
	free(exact);
	return 0;
}
