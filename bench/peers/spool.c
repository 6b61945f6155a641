/* SPDX-License-Identifier: ISC */
/*
 * spool DIR COUNT - the spool, without mini_sendmail around it
 *
 *   Standard input becomes a message of the spool DIR, COUNT times: opened,
 *   submitted into and closed each time, as every sender does.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "spool/spool.h"
#include "spool/submit.h"

enum { TEXT_MAX = 64 * 1024, PATIENCE_MS = 30000 };

static const char address[] = "site@example.org";

static int
store(const char *dir, struct envelope *e, const struct spool_piece *text)
{
	struct submit_result result;
	struct spool *s;
	int rc = spool_open(dir, &s);

	e->submitted_ms = clock_wall_ms();
	if (rc == 0)
		rc = spool_submit(s, e, text, 1, e->submitted_ms,
		    clock_boot_ms() + PATIENCE_MS, &result);
	spool_close(s);
	return rc;
}

int
main(int argc, char **argv)
{
	static char bytes[TEXT_MAX];
	struct spool_piece text = {bytes, 0};
	struct envelope e;
	ssize_t len;
	long count;

	if (argc < 3)
		return 2;
	while ((len = read(STDIN_FILENO, bytes + text.len,
		    sizeof(bytes) - text.len)) > 0)
		text.len += (size_t)len;
	if (len < 0)
		return 1;
	envelope_init(&e);
	envelope_set_sender(&e, address, sizeof(address) - 1);
	envelope_add_recipient(&e, address, sizeof(address) - 1);
	e.text_len = text.len;
	for (count = strtol(argv[2], NULL, 10); count > 0; count--)
		if (store(argv[1], &e, &text) < 0)
			return 1;
	envelope_release(&e);
	return 0;
}
