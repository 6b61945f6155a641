/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "mail/parameter.h"

const char *const parameter_ret_names[RET_COUNT] = {
    [RET_UNSPECIFIED] = "",
    [RET_HDRS] = "HDRS",
    [RET_FULL] = "FULL",
};

const char *const parameter_body_names[BODY_COUNT] = {
    [BODY_UNSPECIFIED] = "",
    [BODY_7BIT] = "7BIT",
    [BODY_8BITMIME] = "8BITMIME",
};

static const struct {
	const char *name;
	unsigned int bit;
} notify_names[] = {
    {"NEVER", NOTIFY_NEVER},
    {"SUCCESS", NOTIFY_SUCCESS},
    {"FAILURE", NOTIFY_FAILURE},
    {"DELAY", NOTIFY_DELAY},
};

/* ---- xtext (RFC 3461 section 4) ------------------------------------------ */

/* Graphic characters that stand for themselves. */
static bool
is_xchar(char c)
{
	return c > 32 && c < 127 && c != '+' && c != '=';
}

static bool
is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] < 32 || text[i] > 126)
			return false;
	}
	return true;
}

/* How long text is as xtext. */
static size_t
xtext_len(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += is_xchar(text[i]) ? 1 : 3;
	return n;
}

static void
add_xtext(struct buf *b, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (is_xchar(text[i]))
			buf_add_char(b, text[i]);
		else
			buf_add_format(b, "+%02X", (unsigned char)text[i]);
	}
}

/* Two digits; the RFC has capitals only, but who would mean anything else? */
static int
hex_value(char c)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

static int
take_xtext(const char *value, size_t len, struct buf *out)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (is_xchar(value[i])) {
			buf_add_char(out, value[i]);
			continue;
		}
		if (value[i] != '+' || len - i < 3)
			return -EINVAL;
		high = hex_value(value[i + 1]);
		low = hex_value(value[i + 2]);
		if (high < 0 || low < 0)
			return -EINVAL;
		buf_add_char(out, (char)(high * 16 + low));
		i += 2;
	}
	return 0;
}

/* ---- what may be kept ---------------------------------------------------- */

bool
parameter_notify_is_valid(unsigned int notify)
{
	const unsigned int others =
	    NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY;

	return notify == NOTIFY_NEVER || (notify && (notify & ~others) == 0);
}

bool
parameter_envid_is_valid(const char *text, size_t len)
{
	return len > 0 && len <= PARAMETER_ENVID_MAX &&
	       is_printable(text, len) &&
	       xtext_len(text, len) <= PARAMETER_ENVID_MAX;
}

/* RFC 5322 section 3.2.3, the + and = aside, which a keyword's value has not.
 */
static bool
is_type(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_xchar(text[i]) || strchr("()<>[]:;@\\,.\"", text[i]))
			return false;
	}
	return len > 0;
}

bool
parameter_original_is_valid(const char *text, size_t len)
{
	const char *semicolon = memchr(text, ';', len);
	size_t type_len, rest;

	if (!semicolon || len > PARAMETER_ORIGINAL_MAX)
		return false;
	type_len = (size_t)(semicolon - text);
	rest = len - type_len - 1;
	return rest > 0 && is_type(text, type_len) &&
	       is_printable(semicolon + 1, rest) &&
	       type_len + 1 + xtext_len(semicolon + 1, rest) <=
		   PARAMETER_ORIGINAL_MAX;
}

/* ---- reading ------------------------------------------------------------- */

static bool
is_word(const char *value, size_t len, const char *word)
{
	return strlen(word) == len && strncasecmp(value, word, len) == 0;
}

static unsigned int
notify_bit(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(notify_names); i++) {
		if (is_word(word, len, notify_names[i].name))
			return notify_names[i].bit;
	}
	return 0;
}

int
parameter_parse_notify(const char *value, size_t len, unsigned int *notify)
{
	const char *end = value + len;
	unsigned int bits = 0;

	for (;;) {
		const char *comma = memchr(value, ',', (size_t)(end - value));
		const char *stop = comma ? comma : end;
		unsigned int bit = notify_bit(value, (size_t)(stop - value));

		if (!bit)
			return -EINVAL;
		bits |= bit;
		if (!comma)
			break;
		value = comma + 1;
	}
	if (!parameter_notify_is_valid(bits))
		return -EINVAL;
	*notify = bits;
	return 0;
}

/* The place of value among count names, of which the first stands for none. */
static int
find_name(const char *value, size_t len, const char *const *names, int count)
{
	for (int i = 1; i < count; i++) {
		if (is_word(value, len, names[i]))
			return i;
	}
	return -EINVAL;
}

int
parameter_parse_ret(const char *value, size_t len, enum parameter_ret *ret)
{
	int found = find_name(value, len, parameter_ret_names, RET_COUNT);

	if (found < 0)
		return found;
	*ret = (enum parameter_ret)found;
	return 0;
}

int
parameter_parse_body(const char *value, size_t len, enum parameter_body *body)
{
	int found = find_name(value, len, parameter_body_names, BODY_COUNT);

	if (found < 0)
		return found;
	*body = (enum parameter_body)found;
	return 0;
}

/* Append text if it is valid. */
static int
keep(const struct buf *text, bool is_valid, struct buf *out)
{
	if (!is_valid)
		return -EINVAL;
	buf_add(out, text->data, text->len);
	return 0;
}

int
parameter_parse_envid(const char *value, size_t len, struct buf *out)
{
	struct buf text = BUF_INIT;
	int rc;

	if (len > PARAMETER_ENVID_MAX)
		return -EINVAL;
	rc = take_xtext(value, len, &text);
	if (rc == 0)
		rc = keep(
		    &text, parameter_envid_is_valid(text.data, text.len), out);
	buf_release(&text);
	return rc;
}

int
parameter_parse_original(const char *value, size_t len, struct buf *out)
{
	const char *semicolon = memchr(value, ';', len);
	struct buf text = BUF_INIT;
	size_t type_len;
	int rc;

	if (!semicolon || len > PARAMETER_ORIGINAL_MAX)
		return -EINVAL;
	type_len = (size_t)(semicolon - value) + 1;
	buf_add(&text, value, type_len);
	rc = take_xtext(value + type_len, len - type_len, &text);
	if (rc == 0)
		rc = keep(&text,
		    parameter_original_is_valid(text.data, text.len), out);
	buf_release(&text);
	return rc;
}

/* ---- writing ------------------------------------------------------------- */

void
parameter_add_notify(struct buf *b, unsigned int notify)
{
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_LEN(notify_names); i++) {
		if (!(notify & notify_names[i].bit))
			continue;
		buf_add_format(b, "%s%s", separator, notify_names[i].name);
		separator = ",";
	}
}

void
parameter_add_envid(struct buf *b, const char *text)
{
	add_xtext(b, text, strlen(text));
}

/* The type is an atom, or else it is escaped as well. */
void
parameter_add_original(struct buf *b, const char *text)
{
	add_xtext(b, text, strlen(text));
}
