/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "spool/field.h"

enum {
	HEAD_LEN = 5,	     /* tag:1 length:4 */
	TAG_SKIPPABLE = 128, /* tags from here on may be unknown */
};

void
field_add(struct buf *out, int tag, const void *data, size_t len)
{
	unsigned char head[HEAD_LEN];

	head[0] = (unsigned char)tag;
	bytes_put_be32(head + 1, (uint32_t)len);
	buf_add(out, head, sizeof(head));
	buf_add(out, data, len);
}

void
field_add_text(struct buf *out, int tag, const char *text)
{
	field_add(out, tag, text, strlen(text));
}

void
field_add_number(struct buf *out, int tag, uint64_t value)
{
	unsigned char bytes[8];

	bytes_put_be64(bytes, value);
	field_add(out, tag, bytes, sizeof(bytes));
}

/* Cut the field off the front of what is left. */
static int
cut_field(const char **at, size_t *left, struct field *f)
{
	uint32_t len;

	if (*left < HEAD_LEN)
		return -EBADMSG;
	len = bytes_get_be32(*at + 1);
	if (len > *left - HEAD_LEN)
		return -EBADMSG;
	f->tag = (unsigned char)(*at)[0];
	f->data = *at + HEAD_LEN;
	f->len = len;
	*at += HEAD_LEN + len;
	*left -= HEAD_LEN + len;
	return 0;
}

int
field_take_all(const char *data, size_t len, const struct field_layout *layout,
    void *record)
{
	uint32_t seen = 0;
	struct field f;
	int rc;

	while (len > 0) {
		rc = cut_field(&data, &len, &f);
		if (rc < 0)
			return rc;
		if (f.tag >= TAG_SKIPPABLE)
			continue;
		if (f.tag >= 32 || !(FIELD_SEEN(f.tag) &
				       (layout->required | layout->optional)))
			return -EBADMSG;
		if (seen & FIELD_SEEN(f.tag) & ~layout->repeated)
			return -EBADMSG;
		seen |= FIELD_SEEN(f.tag);
		rc = layout->take(&f, record);
		if (rc < 0)
			return rc;
	}
	return (seen & layout->required) == layout->required ? 0 : -EBADMSG;
}

int
field_number(const struct field *f, uint64_t max, uint64_t *value)
{
	uint64_t v;

	if (f->len != 8)
		return -EBADMSG;
	v = bytes_get_be64(f->data);
	if (v > max)
		return -EBADMSG;
	*value = v;
	return 0;
}

int
field_number32(const struct field *f, uint32_t max, uint32_t *value)
{
	uint64_t v = 0;
	int rc = field_number(f, max, &v);

	if (rc == 0)
		*value = (uint32_t)v;
	return rc;
}

int
field_time(const struct field *f, int64_t *ms)
{
	uint64_t v = 0;
	int rc = field_number(f, INT64_MAX, &v);

	if (rc == 0)
		*ms = (int64_t)v;
	return rc;
}

int
field_check_text(const struct field *f, size_t max)
{
	if (f->len > max || memchr(f->data, '\0', f->len))
		return -EBADMSG;
	return 0;
}

int
field_flag(const struct field *f, bool *value)
{
	uint64_t v = 0;
	int rc = field_number(f, 1, &v);

	if (rc == 0)
		*value = v != 0;
	return rc;
}
