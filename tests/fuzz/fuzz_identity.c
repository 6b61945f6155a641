/* SPDX-License-Identifier: ISC */
/*
 * The files of a jail that say who somebody is: a uid of four bytes, passwd,
 * mailname and hostname, a byte 255 between them. Whatever they hold, there is
 * an address, and a name that stays within its line.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "fuzz/fuzz.h"
#include "mail/address.h"
#include "sendmail/identity.h"

/* Put the next content into a file of its own; path becomes its name. */
static void
make_file(struct fuzz_input *in, char *path, size_t path_len)
{
	struct fuzz_input content = fuzz_until(in, (char)255);
	const char *tmp = getenv("TMPDIR");
	int fd;

	snprintf(path, path_len, "%s/fuzz-identity.XXXXXX", tmp ? tmp : "/tmp");
	fd = mkostemp(path, O_CLOEXEC);
	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(io_write_all(fd, content.at, content.len) == 0);
	close(fd);
}

/* To be put together as they are: one address, and the same once it is read. */
static void
note(void *context, const char *address, size_t len)
{
	const struct buf *want = context;

	FUZZ_CHECK(fuzz_is_equal(want, address, len));
}

static void
check(const struct identity *id)
{
	struct buf address = BUF_INIT;

	FUZZ_CHECK(id->user.len > 0 && id->user.len <= IDENTITY_USER_MAX);
	FUZZ_CHECK(id->host.len > 0 && id->host.len <= IDENTITY_HOST_MAX);
	FUZZ_CHECK(id->name.len <= IDENTITY_NAME_MAX);
	FUZZ_CHECK(!fuzz_has_control(id->name.data, id->name.len));
	buf_add_format(&address, "%s@%s", id->user.data, id->host.data);
	FUZZ_CHECK(address.len == id->user.len + 1 + id->host.len);
	FUZZ_CHECK(address_is_valid(address.data, address.len));
	FUZZ_CHECK(
	    address_parse_list(address.data, address.len, note, &address) == 0);
	buf_release(&address);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_input(data, size);
	char passwd[PATH_MAX], mailname[PATH_MAX];
	struct identity_sources from = {passwd, mailname, NULL};
	struct identity id;
	unsigned int uid = 0;
	char *hostname;

	for (int i = 0; i < 4; i++)
		uid = uid << 8 | fuzz_byte(&in);
	make_file(&in, passwd, sizeof(passwd));
	make_file(&in, mailname, sizeof(mailname));
	hostname = fuzz_copy_with_room(in.at, in.len, 1);
	hostname[in.len] = '\0';
	from.hostname = hostname;
	identity_read(&id, uid, &from);
	check(&id);
	identity_release(&id);
	unlink(passwd);
	unlink(mailname);
	free(hostname);
	return 0;
}
