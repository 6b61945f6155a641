/* SPDX-License-Identifier: ISC */
/*
 * spool_internal.h - what the parts of the spool share; for src/spool only
 *
 *   spool.c     the directory, transactions, and the records beside messages
 *   message.c   messages within a transaction
 */
#ifndef SPOOL_SPOOL_INTERNAL_H
#define SPOOL_SPOOL_INTERNAL_H

#include <stdbool.h>

#include "spool/environment.h"
#include "spool/spool.h"

struct spool {
	int dir_fd;
	bool is_writer;
	struct environment environment; /* .txn is set in a transaction */
	struct spool_counters counters; /* of the transaction */
};

#endif
