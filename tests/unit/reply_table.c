/* SPDX-License-Identifier: ISC */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "unit/reply_table.h"

enum { FAULTS_MAX = 100 };

static const char file_name[] = "tests/rig/replies.table";

const char *const reply_phase_names[REPLY_PHASES] = {"banner", "EHLO", "HELO",
    "MAIL", "MAIL 2", "RCPT 1", "RCPT 2", "DATA", "dot", "after"};

static struct reply_fault faults[FAULTS_MAX];
static size_t fault_count;
static struct reply_fault seconds;

static void
fail(const char *words, const char *line)
{
	fprintf(stderr, "%s: %s: %s\n", file_name, words, line);
	exit(EXIT_FAILURE);
}

/* What is between *at and the next bar, without the blanks around; moves on. */
static char *
take_cell(const char **at, const char *line)
{
	const char *begin = *at + strspn(*at, " ");
	const char *bar = strchr(*at, '|');
	size_t len;

	if (!bar)
		fail("a column is missing", line);
	*at = bar + 1;
	if (begin > bar)
		begin = bar;
	len = (size_t)(bar - begin);
	while (len > 0 && begin[len - 1] == ' ')
		len--;
	return alloc_copy(begin, len);
}

static struct reply_fault
take_row(const char *line)
{
	const char *at = line + 1;
	struct reply_fault f = {.name = take_cell(&at, line)};

	f.says = take_cell(&at, line);
	for (int i = 0; i < REPLY_PHASES; i++)
		f.want[i] = take_cell(&at, line);
	return f;
}

static void
release_row(struct reply_fault *f)
{
	free(f->name);
	free(f->says);
	for (int i = 0; i < REPLY_PHASES; i++)
		free(f->want[i]);
}

static void
take_line(const char *line)
{
	struct reply_fault f;

	if (line[0] != '|' || line[1] == '-')
		return;
	f = take_row(line);
	if (strcmp(f.name, "fault") == 0) {
		for (int i = 0; i < REPLY_PHASES; i++)
			if (strcmp(f.want[i], reply_phase_names[i]) != 0)
				fail("a strange phase", f.want[i]);
		release_row(&f);
	} else if (strcmp(f.name, "seconds") == 0) {
		seconds = f;
	} else if (fault_count < FAULTS_MAX) {
		faults[fault_count++] = f;
	} else {
		fail("too many faults", line);
	}
}

const struct reply_fault *
reply_table(size_t *count)
{
	char line[1024];
	FILE *file;

	if (fault_count == 0) {
		file = fopen(file_name, "re");
		if (!file)
			fail("cannot be opened", "from the root of the tree");
		while (fgets(line, sizeof(line), file))
			take_line(line);
		fclose(file);
		if (fault_count == 0 || !seconds.name)
			fail("incomplete", "");
	}
	*count = fault_count;
	return faults;
}

long
reply_timeout_ms(enum reply_phase phase)
{
	return strtol(seconds.want[phase], NULL, 10) * 1000;
}
