/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sysexits.h>

#include "base/log.h"
#include "mail/address.h"
#include "sendmail/command_word.h"

void
command_word_show(struct buf *why, const char *word)
{
	buf_add_char(why, '"');
	log_escape(why, word, strlen(word), COMMAND_WORD_SHOWN_MAX);
	buf_add_char(why, '"');
}

/* The addresses of one argument. */
struct argument {
	struct envelope found;
	bool has_dash;
	bool is_full;
};

static void
add_found(void *context, const char *address, size_t len)
{
	struct argument *a = context;

	if (address[0] == '-')
		a->has_dash = true;
	if (a->found.recipient_count < ENVELOPE_RECIPIENTS_MAX)
		envelope_add_recipient(&a->found, address, len);
	else
		a->is_full = true;
}

/* Find the addresses in an argument; release a in any case. */
static int
parse_argument(struct argument *a, const char *text, struct buf *why)
{
	*a = (struct argument){0};
	envelope_init(&a->found);
	if (address_parse_list(text, strlen(text), add_found, a) == 0)
		return 0;
	buf_add_str(why, "malformed address ");
	command_word_show(why, text);
	return EX_DATAERR;
}

static bool
is_null_sender(const char *text)
{
	text += strspn(text, " \t");
	if (strncmp(text, "<>", 2) == 0)
		text += 2;
	return text[strspn(text, " \t")] == '\0';
}

int
command_word_set_sender(struct options *o, const char *value, struct buf *why)
{
	struct argument a;
	int code = parse_argument(&a, value, why);
	const char *sender = "";

	if (code == 0 && a.found.recipient_count == 1) {
		sender = a.found.recipients[0].address;
	} else if (code == 0 && !is_null_sender(value)) {
		buf_add_str(why, "option -f takes one address, not ");
		command_word_show(why, value);
		code = EX_DATAERR;
	}
	if (code == 0 && (a.has_dash || value[0] == '-')) {
		buf_add_str(why, "option -f: begins with a dash: ");
		command_word_show(why, value);
		code = EX_USAGE;
	}
	if (code == 0) {
		envelope_set_sender(&o->envelope, sender, strlen(sender));
		o->has_sender = true;
	}
	envelope_release(&a.found);
	return code;
}

int
command_word_add_recipients(
    struct options *o, const char *text, bool may_dash, struct buf *why)
{
	struct envelope *e = &o->envelope;
	struct argument a;
	int code = parse_argument(&a, text, why);

	if (code == 0 && a.has_dash && !may_dash) {
		buf_add_str(why, "address begins with a dash: ");
		command_word_show(why, text);
		code = EX_USAGE;
	}
	if (code == 0 &&
	    (a.is_full || a.found.recipient_count + e->recipient_count >
			      ENVELOPE_RECIPIENTS_MAX)) {
		buf_add_format(
		    why, "more than %d recipients", ENVELOPE_RECIPIENTS_MAX);
		code = EX_UNAVAILABLE;
	}
	for (size_t i = 0; code == 0 && i < a.found.recipient_count; i++) {
		const char *address = a.found.recipients[i].address;

		envelope_add_recipient(e, address, strlen(address));
	}
	envelope_release(&a.found);
	return code;
}
