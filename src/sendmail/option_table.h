/* SPDX-License-Identifier: ISC */
/*
 * option_table.h - the options of sendmail(8), and what each of them does
 */
#ifndef SENDMAIL_OPTION_TABLE_H
#define SENDMAIL_OPTION_TABLE_H

#include "sendmail/options.h"

enum option_value {
	OPTION_VALUE_NONE,	/* a flag, may stand in a cluster */
	OPTION_VALUE_ATTACHED,	/* the rest of the word, perhaps empty */
	OPTION_VALUE_SEPARABLE, /* that, or if empty the next word */
};

struct option_rule {
	char letter;
	enum option_value value;
	/* 0 or an exit code; NULL: accepted and ignored. */
	int (*apply)(
	    struct options *o, char letter, const char *value, struct buf *why);
};

/* NULL: there is no such option. */
const struct option_rule *option_table_find(char letter);

#endif
