/* SPDX-License-Identifier: ISC */
/*
 * smtp_matrix.h - a relay that is good but for one fault in one phase
 */
#ifndef UNIT_SMTP_MATRIX_H
#define UNIT_SMTP_MATRIX_H

#include <stdbool.h>

#include "base/buf.h"

/* How many cells the matrix has. */
int smtp_matrix_count(void);

/* Play cell i; append its name, and what play_describe() says and should. */
void smtp_matrix_play(int i, bool is_pipelining, int cut, struct buf *name,
    struct buf *got, struct buf *want);

#endif
