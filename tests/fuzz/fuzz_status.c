/* SPDX-License-Identifier: ISC */
/*
 * What flushctl makes of an answer of flushd, in which stand words of sites and
 * of relays: two bytes say how wide and high a terminal is, the third whether
 * it has colours; the rest is the answer. People get lines that fit the
 * terminal and move nothing on it, monitors one line with one "|", Prometheus
 * samples whose labels are closed.
 */
#include <stdlib.h>
#include <string.h>

#include "flushctl/exposition.h"
#include "flushctl/status_table.h"
#include "flushctl/verdict.h"
#include "fuzz/fuzz.h"

enum { NOW = 1800000000, VERDICT_MAX = 4096 };

static bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* ---- the table ----------------------------------------------------- */

/* How many characters a terminal shows of it. */
static size_t
count_seen(struct fuzz_input line, bool has_colours)
{
	size_t seen = 0;

	while (line.len > 0) {
		const char c = (char)fuzz_byte(&line);

		if (c == '\033') {
			const struct fuzz_input colour = fuzz_until(&line, 'm');

			FUZZ_CHECK(has_colours);
			FUZZ_CHECK(colour.len >= 2 && colour.len <= 3);
			FUZZ_CHECK(colour.at[0] == '[');
			continue;
		}
		FUZZ_CHECK(is_printable(c));
		seen++;
	}
	return seen;
}

static void
check_table(const struct snapshot *s, const struct status_style *style)
{
	struct buf out = BUF_INIT;
	struct fuzz_input rest;
	size_t count = 0;

	status_table_add(&out, s, style);
	FUZZ_CHECK(out.len > 0 && out.data[out.len - 1] == '\n');
	for (rest = (struct fuzz_input){out.data, out.len}; rest.len > 0;
	     count++) {
		const size_t seen =
		    count_seen(fuzz_until(&rest, '\n'), style->has_colours);

		FUZZ_CHECK(style->width == 0 || seen <= style->width);
	}
	FUZZ_CHECK(style->height == 0 || count <= style->height);
	buf_release(&out);
}

/* ---- for programs -------------------------------------------------- */

static void
check_verdict(const struct snapshot *s)
{
	struct buf out = BUF_INIT;
	size_t bars = 0;

	FUZZ_CHECK(
	    verdict_add(&out, s, &verdict_thresholds, NOW) <= VERDICT_CRITICAL);
	for (size_t i = 0; i < out.len; i++) {
		FUZZ_CHECK(is_printable(out.data[i]));
		bars += out.data[i] == '|';
	}
	FUZZ_CHECK(bars == 1);
	FUZZ_CHECK(out.len < VERDICT_MAX);
	buf_release(&out);
}

/* What is behind a label's quote, up to the one that ends it. */
static void
skip_label(struct fuzz_input *line)
{
	char c = 0;

	while (c != '"') {
		FUZZ_CHECK(line->len > 0);
		c = (char)fuzz_byte(line);
		if (c == '\\') {
			const char escaped = (char)fuzz_byte(line);

			FUZZ_CHECK(escaped == 'n' || escaped == '"' ||
				   escaped == '\\');
		}
	}
}

static void
check_sample(struct fuzz_input line)
{
	static const char prefix[] = "mini_sendmail_";

	FUZZ_CHECK(line.len > strlen(prefix) &&
		   memcmp(line.at, prefix, strlen(prefix)) == 0);
	while (line.len > 0 && *line.at != ' ')
		if (fuzz_byte(&line) == '"')
			skip_label(&line);
	FUZZ_CHECK(fuzz_byte(&line) == ' ');
	FUZZ_CHECK(line.len > 0);
	while (line.len > 0) {
		const char c = (char)fuzz_byte(&line);

		FUZZ_CHECK((c >= '0' && c <= '9') || c == '.');
	}
}

static void
check_exposition(const struct snapshot *s)
{
	struct buf out = BUF_INIT;
	struct fuzz_input rest;

	exposition_add(&out, s);
	FUZZ_CHECK(out.data[out.len - 1] == '\n');
	for (rest = (struct fuzz_input){out.data, out.len}; rest.len > 0;) {
		const struct fuzz_input line = fuzz_until(&rest, '\n');

		FUZZ_CHECK(line.len > 0);
		if (*line.at != '#')
			check_sample(line);
	}
	buf_release(&out);
}

/* ---- the target ---------------------------------------------------- */

/* What is printed as JSON are lines of the answer. */
static void
check_lines(const struct snapshot *s, const char *answer, size_t len)
{
	for (size_t i = 0; i < s->count; i++) {
		const char *line = s->sites[i].line;
		const size_t line_len = s->sites[i].line_len;

		FUZZ_CHECK(line >= answer && line_len > 0);
		FUZZ_CHECK(line + line_len <= answer + len);
		FUZZ_CHECK(memchr(line, '\n', line_len) == line + line_len - 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	struct status_style style = {.now_sec = NOW};
	struct buf refusal = BUF_INIT;
	struct snapshot s;
	unsigned char flags;
	char *answer;

	style.width = fuzz_byte(&in);
	style.height = fuzz_byte(&in);
	flags = fuzz_byte(&in);
	style.has_colours = flags & 1;
	style.has_flow = flags & 2;
	style.has_all_errors = flags & 4;
	answer = fuzz_copy(in.at, in.len);
	if (snapshot_parse(answer, in.len, flags & 8, &s, &refusal) == 0) {
		check_lines(&s, answer, in.len);
		snapshot_sort(&s);
		check_table(&s, &style);
		check_verdict(&s);
		check_exposition(&s);
		snapshot_release(&s);
	}
	FUZZ_CHECK(!fuzz_has_control(refusal.data, refusal.len));
	buf_release(&refusal);
	free(answer);
	return 0;
}
