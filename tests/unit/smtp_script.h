/* SPDX-License-Identifier: ISC */
/*
 * smtp_script.h - whole conversations, line by line
 */
#ifndef UNIT_SMTP_SCRIPT_H
#define UNIT_SMTP_SCRIPT_H

int smtp_script_count(void);

/* Play script i, and fail the test unless it went as written. */
void smtp_script_play(int i, int cut);

#endif
