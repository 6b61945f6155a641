/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>

#include "mail/text.h"

/* ---- from what programs write -------------------------------------------- */

static void
replace(char *text, size_t len, char from, char to)
{
	char *end = text + len;

	for (char *p = text; (p = memchr(p, from, (size_t)(end - p)));)
		*p++ = to;
}

/* How much of a line's len bytes, its LF left out, is content. */
static size_t
content_len(const char *line, size_t len)
{
	while (len > 0 && line[len - 1] == '\r')
		len--;
	return len;
}

/*
 * Look at the dot that a line of len bytes may begin with: how many bytes of
 * it go, or -1 if it is the line that ends the text.
 */
static int
leading_dots(const char *line, size_t len)
{
	if (len == 0 || line[0] != '.')
		return 0;
	if (len == 1)
		return -1;
	return line[1] == '.' ? 1 : 0;
}

int
text_canonicalize(char *text, size_t *len, enum text_dots dots)
{
	const char *in = text;
	const char *end = text + *len;
	char *out = text;

	if (!memchr(text, '\n', *len))
		replace(text, *len, '\r', '\n');
	while (in < end) {
		const char *lf = memchr(in, '\n', (size_t)(end - in));
		const char *next = lf ? lf + 1 : end;
		size_t n = content_len(in, (size_t)((lf ? lf : end) - in));

		int cut = dots == TEXT_DOTS_END ? leading_dots(in, n) : 0;

		if (cut < 0)
			break;
		in += cut;
		n -= (size_t)cut;
		if (memchr(in, '\0', n))
			return -EILSEQ;
		/* out passes next only where the last line has no LF. */
		memmove(out, in, n);
		replace(out, n, '\r', ' ');
		out += n;
		*out++ = '\n';
		in = next;
	}
	*len = (size_t)(out - text);
	return 0;
}

/* ---- to what SMTP carries ------------------------------------------------ */

/* Bytes of text in front of the first c, or all. */
static size_t
len_before(const char *text, size_t len, char c)
{
	const char *p = memchr(text, c, len);

	return p ? (size_t)(p - text) : len;
}

/* The CRs that turned out not to belong to a line end. */
static void
add_blanks(struct text_wire *w, struct buf *out)
{
	if (w->pending_cr == 0)
		return;
	buf_reserve(out, w->pending_cr);
	for (; w->pending_cr > 0; w->pending_cr--)
		buf_add_char(out, ' ');
	w->is_in_line = true;
}

static void
end_line(struct text_wire *w, struct buf *out)
{
	buf_add(out, "\r\n", 2);
	w->pending_cr = 0;
	w->is_in_line = false;
}

/* Add what stands within a line. */
static void
add_content(struct text_wire *w, const char *text, size_t len, struct buf *out)
{
	for (size_t n; len > 0; text += n, len -= n) {
		n = len_before(text, len, '\r');
		if (n == 0) {
			w->pending_cr++;
			n = 1;
			continue;
		}
		add_blanks(w, out);
		if (!w->is_in_line && *text == '.')
			buf_add_char(out, '.');
		buf_add(out, text, n);
		w->is_in_line = true;
	}
}

void
text_wire_add(
    struct text_wire *w, const char *text, size_t len, struct buf *out)
{
	while (len > 0) {
		size_t n = len_before(text, len, '\n');

		add_content(w, text, n, out);
		if (n < len) {
			end_line(w, out);
			n++;
		}
		text += n;
		len -= n;
	}
}

void
text_wire_end(struct text_wire *w, struct buf *out)
{
	if (w->is_in_line || w->pending_cr > 0)
		end_line(w, out);
	buf_add(out, ".\r\n", 3);
}

/* ---- size ---------------------------------------------------------------- */

static bool
has_8bit(const char *text, size_t len)
{
	unsigned char all = 0;

	for (size_t i = 0; i < len; i++)
		all |= (unsigned char)text[i];
	return all >= 128;
}

/* Count what stands within a line. */
static void
count_content(struct text_size *s, const char *text, size_t len)
{
	for (size_t n; len > 0; text += n, len -= n) {
		n = len_before(text, len, '\r');
		if (n == 0) {
			s->pending_cr++;
			n = 1;
			continue;
		}
		s->wire_len += s->pending_cr + n;
		s->pending_cr = 0;
		s->is_in_line = true;
	}
}

static void
count_line_end(struct text_size *s)
{
	s->wire_len += 2;
	s->pending_cr = 0;
	s->is_in_line = false;
}

void
text_size_add(struct text_size *s, const char *text, size_t len)
{
	if (!s->has_8bit)
		s->has_8bit = has_8bit(text, len);
	if (!s->has_nul && len > 0)
		s->has_nul = memchr(text, '\0', len);
	while (len > 0) {
		size_t n = len_before(text, len, '\n');

		count_content(s, text, n);
		if (n < len) {
			count_line_end(s);
			n++;
		}
		text += n;
		len -= n;
	}
}

uint64_t
text_size_end(struct text_size *s)
{
	if (s->is_in_line || s->pending_cr > 0)
		count_line_end(s);
	return s->wire_len;
}
