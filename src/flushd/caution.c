/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "flushd/caution.h"

enum { MUST_PROVE = '!', SEPARATOR = ',' };

bool
caution_is_none(const struct caution *c)
{
	return !c->must_prove && c->skipped_count == 0;
}

bool
caution_skips(const struct caution *c, uint64_t id)
{
	for (size_t i = 0; i < c->skipped_count; i++)
		if (c->skipped[i] == id)
			return true;
	return false;
}

bool
caution_skip(struct caution *c, uint64_t id)
{
	if (c->skipped_count == CAUTION_SKIP_MAX || caution_skips(c, id))
		return false;
	c->skipped[c->skipped_count++] = id;
	return true;
}

char *
caution_format(const struct caution *c, char *text)
{
	char *end = text;

	if (c->must_prove)
		*end++ = MUST_PROVE;
	for (size_t i = 0; i < c->skipped_count; i++) {
		queue_id_format(c->skipped[i], end);
		end += strlen(end);
		*end++ = SEPARATOR;
	}
	*end = '\0';
	return text;
}

int
caution_parse(const char *text, struct caution *c)
{
	struct caution got = {.must_prove = *text == MUST_PROVE};
	char id_text[QUEUE_ID_TEXT_MAX];
	const char *end;
	uint64_t id;

	for (text += got.must_prove; *text; text = end + 1) {
		end = strchr(text, SEPARATOR);
		if (!end || (size_t)(end - text) >= sizeof(id_text))
			return -EINVAL;
		memcpy(id_text, text, (size_t)(end - text));
		id_text[end - text] = '\0';
		if (queue_id_parse(id_text, &id) < 0 || !caution_skip(&got, id))
			return -EINVAL;
	}
	*c = got;
	return 0;
}
