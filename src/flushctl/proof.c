/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "flushctl/jail_run.h"
#include "flushctl/jail_spool.h"
#include "flushctl/proof.h"

#define PROOF_SUFFIX ".proof"

static const char message[] = "To: nobody@localhost\n"
			      "Subject: flushctl site add\n\n"
			      "This is never sent.\n";

/* ---- commands in the jail ------------------------------------------ */

/* As popen() does; without a shell, as who needs none. */
static int
run(const struct jail *j, bool has_shell, char *program, char *argument,
    char *variable, const char *input, struct buf *why)
{
	struct buf command = BUF_INIT;
	char shell[] = "/bin/sh";
	char option[] = "-c";
	char *const environment[] = {variable, NULL};
	char *const direct[] = {program, argument, NULL};
	char *by_shell[] = {shell, option, NULL, NULL};
	int rc;

	buf_add_format(&command, "%s %s", program, argument);
	by_shell[2] = command.data;
	rc =
	    jail_run(j, has_shell ? by_shell : direct, environment, input, why);
	buf_release(&command);
	return rc;
}

static int
call(const struct jail *j, const struct proof_plan *plan, const char *spool,
    const char *argument, const char *input, struct buf *why)
{
	char *program = alloc_copy(plan->sendmail, strlen(plan->sendmail));
	char *word = alloc_copy(argument, strlen(argument));
	struct buf variable = BUF_INIT;
	struct buf reason = BUF_INIT;
	int rc;

	buf_add_format(&variable, "MINI_SENDMAIL_SPOOL=%s", spool);
	rc = run(
	    j, plan->has_shell, program, word, variable.data, input, &reason);
	if (rc < 0)
		buf_add_format(
		    why, "'%s %s' in the jail: %s", program, word, reason.data);
	buf_release(&variable);
	buf_release(&reason);
	free(program);
	free(word);
	return rc;
}

/* ---- the spool of the proof ---------------------------------------- */

/* Also what a proof that was killed has left. */
static int
remove_spool(const struct jail *j, const char *path, struct buf *why)
{
	struct jail_spool_depth depth;
	int fd = jail_spool_open(j, path, why);
	int rc;

	buf_clear(why);
	if (fd == -ENOENT)
		return 0;
	rc = fd < 0 ? 0 : jail_spool_order(fd, JAIL_SPOOL_DESTROY_ALL, &depth);
	if (fd >= 0)
		close(fd);
	if (rc == 0)
		rc = jail_spool_unmake(j, path);
	if (rc < 0)
		buf_add_format(
		    why, "%s: cannot be removed: %s", path, strerror(-rc));
	return rc;
}

static int
make_spool(const struct jail *j, const char *path, struct buf *why)
{
	const struct spool_plan plan = {.uid = j->uid,
	    .gid = j->gid,
	    .site = "",
	    .settings = spool_settings_default};
	struct buf reason = BUF_INIT;
	int rc = jail_spool_make(j, path, &plan, &reason);

	if (rc < 0)
		buf_add_format(why, "%s: %s", path, reason.data);
	buf_release(&reason);
	return rc;
}

static int
check_arrived(const struct jail *j, const char *path, struct buf *why)
{
	struct jail_spool_depth depth = {0};
	int fd = jail_spool_open(j, path, why);
	int rc = fd;

	if (fd >= 0) {
		rc = jail_spool_order(fd, JAIL_SPOOL_COUNT, &depth);
		close(fd);
	}
	if (rc >= 0 && depth.waiting == 1)
		return 0;
	buf_clear(why);
	buf_add_str(why, "the jail's sendmail says that it has taken a "
			 "message, but it is not in the spool");
	return rc < 0 ? rc : -EPERM;
}

/* ---- the proof ----------------------------------------------------- */

int
proof_run(const struct jail *j, const struct proof_plan *plan, struct buf *why)
{
	struct buf path = BUF_INIT;
	struct buf later = BUF_INIT;
	int cleaning_rc;
	int rc;

	buf_add_format(&path, "%s" PROOF_SUFFIX, plan->spool);
	rc = remove_spool(j, path.data, why);
	if (rc == 0)
		rc = make_spool(j, path.data, why);
	if (rc == 0)
		rc = call(j, plan, path.data, "-t", message, why);
	if (rc == 0)
		rc = check_arrived(j, path.data, why);
	cleaning_rc = remove_spool(j, path.data, rc == 0 ? why : &later);
	if (rc == 0)
		rc = cleaning_rc;
	if (rc == 0)
		rc = call(j, plan, plan->spool, "-bp", "", why);
	buf_release(&path);
	buf_release(&later);
	return rc;
}
